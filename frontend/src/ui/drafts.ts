// What was being typed when a session ended, until the same person is back. Kept in memory only, and never a password.
import { onScopeDispose } from 'vue'
import { session } from '@/features/auth/session'

type Values = Record<string, unknown>
interface Draft {
  ownerId: string
  values: Values
}

const kept = new Map<string, Draft>()
/** The forms that are open, by name: what they would leave, if anything was typed. */
const open = new Map<string, () => Draft | null>()

session.onEnd((reason) => {
  kept.clear()
  if (reason !== 'expired') return
  for (const [name, leave] of open) {
    const draft = leave()
    if (draft) kept.set(name, draft)
  }
})

export const hasDrafts = () => kept.size > 0

/** Whether a form that is not open yet has something to go on with. */
export function hasDraft(name: string): boolean {
  return kept.get(name)?.ownerId === session.user.value?.id
}

/**
 * Takes what was left of this form, and leaves what differs from `saved` if the session ends.
 * True when there was something.
 */
export function useDraft(name: string, values: Values, saved: () => Values): boolean {
  const ownerId = session.user.value?.id
  if (!ownerId) return false
  const left = hasDraft(name) ? kept.get(name) : undefined
  kept.delete(name)
  Object.assign(values, left?.values)
  open.set(name, () => {
    const before = saved()
    const typed = Object.entries(values).filter(
      ([field, value]) => value !== before[field] && !field.includes('password'),
    )
    return typed.length > 0 ? { ownerId, values: Object.fromEntries(typed) } : null
  })
  onScopeDispose(() => open.delete(name))
  return left !== undefined
}
