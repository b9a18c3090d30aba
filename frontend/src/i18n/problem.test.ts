import { describe, expect, it } from 'vitest'
import { ApiProblem, retryAfterSeconds, toProblem } from '@/api/problem'
import { i18n } from '.'
import { problemText } from './problem'

const { t, te } = i18n.global
const words = {
  t: (key: string, named: Record<string, unknown> = {}, plural?: number) =>
    plural === undefined ? t(key, named) : t(key, named, plural),
  te: (key: string) => te(key),
}
const text = (code: string, init: Partial<ConstructorParameters<typeof ApiProblem>[0]> = {}) =>
  problemText(new ApiProblem({ code, status: 409, ...init }), words)

describe('a problem in words', () => {
  it.each([
    ['lot_full', 'Every spot is taken right now.'],
    ['email_taken', 'There is already an account with this email address.'],
    ['network', 'The server cannot be reached. Check your connection and try again.'],
  ])('%s', (code, expected) => {
    expect(text(code)).toBe(expected)
  })

  it.each([
    [null, 'Too many attempts. Please wait a little and try again.'],
    [1, 'Too many attempts. Try again in 1 second.'],
    [30, 'Too many attempts. Try again in 30 seconds.'],
    [91, 'Too many attempts. Try again in 2 minutes.'],
  ])('a rate limit of %s seconds', (seconds, expected) => {
    expect(text('rate_limited', { status: 429, retryAfterSeconds: seconds })).toBe(expected)
  })

  it("takes the server's words for a refusal it does not know, but not for a fault", () => {
    expect(text('lot_on_fire', { detail: 'The lot is on fire.' })).toBe('The lot is on fire.')
    expect(text('kaput', { status: 500, detail: 'sql: …' })).toBe(
      'Something went wrong on our side. Please try again.',
    )
    expect(problemText(new Error('bug'), words)).toBe(
      'Something went wrong on our side. Please try again.',
    )
  })
})

describe('an answer that is a problem', () => {
  it('is read from problem+json', () => {
    const response = new Response(null, { status: 422, headers: { 'Retry-After': '7' } })
    const problem = toProblem(response, {
      code: 'validation_failed',
      detail: 'Some fields are not valid.',
      errors: [{ field: 'name', message: 'must not be empty' }, { nonsense: true }],
    })
    expect(problem).toMatchObject({ code: 'validation_failed', status: 422, retryAfterSeconds: 7 })
    expect(problem.errors).toEqual([{ field: 'name', message: 'must not be empty' }])
  })

  it('of a proxy in between has a code all the same', () => {
    expect(toProblem(new Response(null, { status: 502 }), '<html>').code).toBe('busy')
    expect(toProblem(new Response(null, { status: 429 }), undefined).code).toBe('rate_limited')
    expect(toProblem(new Response(null, { status: 500 }), null).code).toBe('unexpected')
  })

  it('says when to come back in seconds or by a date', () => {
    const now = Date.parse('2026-11-22T10:00:00Z')
    const after = (value: string) => retryAfterSeconds(new Headers({ 'Retry-After': value }), now)
    expect(after('120')).toBe(120)
    expect(after('Sun, 22 Nov 2026 10:00:30 GMT')).toBe(30)
    expect(after('Sun, 22 Nov 2026 09:00:00 GMT')).toBe(0)
    expect(after('soon')).toBeNull()
  })
})
