// What the sign-in forms accept. Messages are keys of the translations.
import * as v from 'valibot'

export const PASSWORD_MIN = 8
export const PASSWORD_MAX = 128
const NAME_MAX = 100
const EMAIL_MAX = 254

export const name = v.pipe(
  v.string(),
  v.trim(),
  v.nonEmpty('form.name_missing'),
  v.maxLength(NAME_MAX, 'form.name_long'),
)
export const email = v.pipe(
  v.string(),
  v.trim(),
  v.nonEmpty('form.email_missing'),
  v.maxLength(EMAIL_MAX, 'form.email_invalid'),
  v.regex(/^[^\s@]+@[^\s@]+\.[^\s@]+$|^[^\s@]+@localhost$/, 'form.email_invalid'),
)
export const newPassword = v.pipe(
  v.string(),
  v.minLength(PASSWORD_MIN, 'form.password_short'),
  v.maxLength(PASSWORD_MAX, 'form.password_long'),
)
export const password = v.pipe(v.string(), v.nonEmpty('form.password_missing'))

export const signInSchema = v.object({ email, password })
export const registerSchema = v.object({ name, email, password: newPassword })
