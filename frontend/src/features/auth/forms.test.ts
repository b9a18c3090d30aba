import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import { registerSchema } from './forms'

const good = { name: ' Ravi ', email: ' ravi@example.com ', password: 'correct horse' }
const problems = (values: typeof good) =>
  (v.safeParse(registerSchema, values).issues ?? []).map((issue) => issue.message)

describe('the form of a new account', () => {
  it('trims the name and the address, never the password', () => {
    const spaced = { ...good, password: ' spaces count ' }
    expect(v.parse(registerSchema, spaced)).toEqual({
      name: 'Ravi',
      email: 'ravi@example.com',
      password: ' spaces count ',
    })
  })

  it.each([
    [{ name: '   ' }, 'form.name_missing'],
    [{ email: '' }, 'form.email_missing'],
    [{ email: 'ravi' }, 'form.email_invalid'],
    [{ email: 'ravi@nowhere' }, 'form.email_invalid'],
    [{ password: 'short' }, 'form.password_short'],
    [{ password: 'x'.repeat(129) }, 'form.password_long'],
  ])('%o is refused', (change, message) => {
    expect(problems({ ...good, ...change })[0]).toBe(message)
  })
})
