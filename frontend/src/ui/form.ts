// A form: validated here, then by the server, each error at its field, the first invalid field focused.
import * as v from 'valibot'
import {
  computed,
  nextTick,
  reactive,
  ref,
  shallowRef,
  useTemplateRef,
  type ComponentPublicInstance,
} from 'vue'
import { ApiProblem } from '@/api/problem'
import { i18n } from '@/i18n'
import { useFieldText, useProblemText } from '@/i18n/problem'
import { useDraft } from './drafts'
import { toast } from './toasts'

type Words = () => string
type Schema = v.GenericSchema<Record<string, unknown>, unknown>

interface FormOptions<S extends Schema> {
  schema: S | ((values: Readonly<Record<string, string>>) => S)
  initial: v.InferInput<S>
  submit: (output: v.InferOutput<S>) => Promise<void>
  /** Server codes that belong to a field rather than to the whole form. */
  fieldOfCode?: Record<string, string>
  /** Server field names that are called otherwise here. */
  fieldOfServer?: (field: string) => string
  /** Under this name what is typed outlasts the end of a session. */
  draft?: string
  /** Turns a message key of the schema into words. */
  words: (key: string) => string
}

export function useForm<S extends Schema>(options: FormOptions<S>) {
  const problemText = useProblemText()
  const fieldText = useFieldText()
  const values = reactive({ ...options.initial }) as v.InferInput<S>
  let saved: v.InferInput<S> = { ...options.initial }
  if (options.draft && useDraft(options.draft, values as Record<string, unknown>, () => saved)) {
    toast(i18n.global.t('ui.draft_back'), 'info')
  }
  // Said anew when the language changes.
  const said = shallowRef<Record<string, Words>>({})
  const failed = shallowRef<Words>(() => '')
  const errors = computed(() =>
    Object.fromEntries(Object.entries(said.value).map(([field, words]) => [field, words()])),
  )
  const failure = computed(() => failed.value())
  const busy = ref(false)
  // The template marks its AppForm with ref="form".
  const form = useTemplateRef<ComponentPublicInstance>('form')

  async function show(found: Record<string, Words>): Promise<void> {
    said.value = found
    await nextTick()
    const frame = form.value?.$el as HTMLElement | undefined
    frame?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus()
  }

  function validate(): { ok: true; output: v.InferOutput<S> } | { ok: false } {
    const schema =
      typeof options.schema === 'function'
        ? options.schema(values as Record<string, string>)
        : options.schema
    const result = v.safeParse(schema, values)
    if (result.success) return { ok: true, output: result.output }
    const found: Record<string, Words> = {}
    for (const issue of result.issues) {
      const field = v.getDotPath(issue) ?? ''
      found[field] ??= () => options.words(issue.message)
    }
    void show(found)
    return { ok: false }
  }

  async function refuse(error: unknown): Promise<void> {
    const found: Record<string, Words> = {}
    if (error instanceof ApiProblem) {
      const field = options.fieldOfCode?.[error.code]
      if (field) found[field] = () => problemText(error)
      for (const item of error.errors) {
        const name = options.fieldOfServer?.(item.field) ?? item.field
        if (name in values) found[name] ??= () => fieldText(item)
      }
    }
    if (Object.keys(found).length > 0) await show(found)
    else failed.value = () => problemText(error)
  }

  async function submit(): Promise<void> {
    if (busy.value) return
    said.value = {}
    failed.value = () => ''
    const result = validate()
    if (!result.ok) return
    busy.value = true
    try {
      await options.submit(result.output)
    } catch (error) {
      await refuse(error)
    } finally {
      busy.value = false
    }
  }

  function reset(to: v.InferInput<S> = options.initial): void {
    saved = { ...to }
    Object.assign(values as object, to)
    said.value = {}
    failed.value = () => ''
  }

  return { values, errors, failure, busy, submit, reset }
}
