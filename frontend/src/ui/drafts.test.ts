import { effectScope, reactive } from 'vue'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { session } from '@/features/auth/session'
import type { Session } from '@/api/types'
import { hasDraft, hasDrafts, useDraft } from './drafts'

const signIn = (id: string) =>
  session.signIn({
    access_token: 'token',
    expires_in: 900,
    user: { id, name: id, email: `${id}@example.org`, role: 'user' },
  } as Session)

/** A form that is open until it is closed. */
function open(saved = { name: 'Ravi', current_password: '' }) {
  const scope = effectScope()
  const values = reactive({ ...saved })
  const left = scope.run(() => useDraft('profile', values, () => saved))
  return { values, left, close: () => scope.stop() }
}

beforeEach(() => signIn('ravi'))
afterEach(() => session.end('signed_out'))

describe('what was typed', () => {
  it('is there again for the same person when the session ended half-way, but for passwords', () => {
    const form = open()
    form.values.name = 'Ravi D.'
    form.values.current_password = 'nine green bottles'
    session.end('expired')
    form.close()
    expect([hasDrafts(), hasDraft('profile')]).toEqual([true, false])

    signIn('ravi')
    expect(hasDraft('profile')).toBe(true)
    const again = open()
    expect([again.left, again.values.name, again.values.current_password]).toEqual([
      true,
      'Ravi D.',
      '',
    ])
    again.close()
    expect(open().left).toBe(false)
  })

  it('is nobody else’s', () => {
    const form = open()
    form.values.name = 'Ravi D.'
    session.end('expired')
    form.close()
    signIn('asha')
    const hers = open({ name: 'Asha', current_password: '' })
    expect([hers.left, hers.values.name]).toEqual([false, 'Asha'])
  })

  it('goes with a sign-out, and where nothing was typed there is nothing', () => {
    const form = open()
    session.end('expired')
    expect(hasDrafts()).toBe(false)
    signIn('ravi')
    form.values.name = 'Ravi D.'
    session.end('signed_out')
    expect(hasDrafts()).toBe(false)
  })

  it('goes when its form was closed before', () => {
    const form = open()
    form.values.name = 'Ravi D.'
    form.close()
    session.end('expired')
    expect(hasDrafts()).toBe(false)
  })
})
