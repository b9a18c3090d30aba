// What went wrong, as the client handles it: every failed call throws an ApiProblem.

export interface FieldError {
  field: string
  message: string
}

export class ApiProblem extends Error {
  readonly code: string
  readonly status: number
  readonly errors: FieldError[]
  /** From `Retry-After`, when the server sent one. */
  readonly retryAfterSeconds: number | null

  constructor(init: {
    code: string
    status: number
    detail?: string
    errors?: FieldError[]
    retryAfterSeconds?: number | null
  }) {
    super(init.detail ?? init.code)
    this.name = 'ApiProblem'
    this.code = init.code
    this.status = init.status
    this.errors = init.errors ?? []
    this.retryAfterSeconds = init.retryAfterSeconds ?? null
  }

  static network(): ApiProblem {
    return new ApiProblem({ code: 'network', status: 0 })
  }
}

export function retryAfterSeconds(headers: Headers, now = Date.now()): number | null {
  const value = headers.get('retry-after')?.trim()
  if (!value) return null
  if (/^\d+$/.test(value)) return Number(value)
  const at = Date.parse(value)
  return Number.isNaN(at) ? null : Math.max(0, Math.ceil((at - now) / 1000))
}

export function toProblem(response: Response, body: unknown): ApiProblem {
  const fields = (typeof body === 'object' && body !== null ? body : {}) as Record<string, unknown>
  return new ApiProblem({
    code: typeof fields.code === 'string' ? fields.code : codeOfStatus(response.status),
    status: response.status,
    detail: typeof fields.detail === 'string' ? fields.detail : undefined,
    errors: Array.isArray(fields.errors) ? fields.errors.filter(isFieldError) : [],
    retryAfterSeconds: retryAfterSeconds(response.headers),
  })
}

function isFieldError(value: unknown): value is FieldError {
  const error = value as FieldError | null
  return typeof error?.field === 'string' && typeof error.message === 'string'
}

/** A proxy in between answers without a code of ours. */
function codeOfStatus(status: number): string {
  if (status === 401) return 'unauthorized'
  if (status === 403) return 'forbidden'
  if (status === 404) return 'not_found'
  if (status === 429) return 'rate_limited'
  if (status >= 502 && status <= 504) return 'busy'
  return 'unexpected'
}

export function isProblem(error: unknown, ...codes: string[]): error is ApiProblem {
  return error instanceof ApiProblem && (codes.length === 0 || codes.includes(error.code))
}
