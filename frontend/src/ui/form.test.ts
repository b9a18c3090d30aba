import { fireEvent, render, screen, waitFor } from '@testing-library/vue'
import * as v from 'valibot'
import { describe, expect, it, vi } from 'vitest'
import { defineComponent, h } from 'vue'
import { ApiProblem } from '@/api/problem'
import { i18n } from '@/i18n'
import AppForm from './AppForm.vue'
import { useForm } from './form'
import TextField from './TextField.vue'

function show(submit: (output: { name: string; email: string }) => Promise<void>) {
  const Page = defineComponent({
    setup() {
      const form = useForm({
        schema: v.object({
          name: v.pipe(v.string(), v.trim(), v.nonEmpty('form.name_missing')),
          email: v.pipe(v.string(), v.nonEmpty('form.email_missing')),
        }),
        initial: { name: '', email: '' },
        fieldOfCode: { email_taken: 'email' },
        words: (key) => i18n.global.t(key),
        submit,
      })
      const field = (name: 'name' | 'email', label: string) =>
        h(TextField, {
          label,
          modelValue: form.values[name],
          'onUpdate:modelValue': (value: string) => (form.values[name] = value),
          error: form.errors.value[name],
        })
      return () =>
        h(
          AppForm,
          {
            ref: 'form',
            action: 'Save',
            busy: form.busy.value,
            failure: form.failure.value,
            onSubmit: () => void form.submit(),
          },
          () => [field('name', 'Name'), field('email', 'Email')],
        )
    },
  })
  render(Page, { global: { plugins: [i18n] } })
}
const save = () => fireEvent.click(screen.getByRole('button', { name: 'Save' }))
const type = (label: string, text: string) => fireEvent.update(screen.getByLabelText(label), text)

describe('a form', () => {
  it('says what is missing at its field and focuses the first', async () => {
    const submit = vi.fn()
    show(submit)
    await save()
    const name = await screen.findByLabelText('Name')
    await waitFor(() => expect(name.getAttribute('aria-invalid')).toBe('true'))
    const described = document.getElementById(name.getAttribute('aria-describedby') ?? '')
    expect(described?.textContent).toBe('Enter your name')
    expect(document.activeElement).toBe(name)
    expect(submit).not.toHaveBeenCalled()
  })

  it('sends what the schema made of it', async () => {
    const submit = vi.fn().mockResolvedValue(undefined)
    show(submit)
    await type('Name', '  Ravi ')
    await type('Email', 'ravi@example.com')
    await save()
    expect(submit).toHaveBeenCalledWith({ name: 'Ravi', email: 'ravi@example.com' })
  })

  it("puts the server's refusals where they belong", async () => {
    const refusals: Record<string, ApiProblem> = {
      taken: new ApiProblem({ code: 'email_taken', status: 409 }),
      invalid: new ApiProblem({
        code: 'validation_failed',
        status: 422,
        errors: [{ field: 'name', message: 'must be a name' }],
      }),
      busy: new ApiProblem({ code: 'busy', status: 503 }),
    }
    show(({ name }) => Promise.reject(refusals[name] as ApiProblem))
    await type('Email', 'ravi@example.com')
    const saveAndSee = (name: string, words: string) =>
      waitFor(async () => {
        await type('Name', name)
        await save()
        expect(screen.getByText(words)).toBeTruthy()
      })
    await saveAndSee('taken', 'There is already an account with this email address.')
    await waitFor(() => expect(document.activeElement).toBe(screen.getByLabelText('Email')))
    await saveAndSee('invalid', 'must be a name')
    await saveAndSee('busy', 'The server is busy. Please try again in a moment.')
    expect(screen.getByLabelText('Name').getAttribute('aria-invalid')).toBeNull()
  })
})
