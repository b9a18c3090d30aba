// Calls the server: `api.GET('/api/lots')`, typed by the generated schema, wrapped in `unwrap` to get data or an ApiProblem.
import createClient from 'openapi-fetch'
import { session } from '@/features/auth/session'
import { reaching } from './reach'
import { ApiProblem, isProblem, toProblem } from './problem'
import type { paths } from './schema'
import { noteServerDate } from './server-clock'

function send(request: Request, token: string | null): Promise<Response> {
  if (token) request.headers.set('Authorization', `Bearer ${token}`)
  return reaching(fetch(request))
}

async function authorisedFetch(request: Request): Promise<Response> {
  const token = await session.accessToken()
  const again = token ? request.clone() : null
  let response = await send(request, token)
  if (response.status === 401 && token && again) {
    const fresh = await session.refresh(token)
    if (fresh) response = await send(again, fresh)
    // Refused with a fresh token too: nothing but a new sign-in helps.
    if (fresh && response.status === 401) session.end('expired')
  }
  noteServerDate(response.headers)
  return response
}

export const api = createClient<paths>({ baseUrl: location.origin, fetch: authorisedFetch })

interface Outcome<T> {
  data?: T
  error?: unknown
  response: Response
}

export async function unwrap<T>(call: Promise<Outcome<T>>): Promise<T> {
  let outcome: Outcome<T>
  try {
    outcome = await call
  } catch (error) {
    if (isProblem(error) || (error instanceof DOMException && error.name === 'AbortError'))
      throw error
    throw error instanceof SyntaxError
      ? new ApiProblem({ code: 'unexpected', status: 0 })
      : ApiProblem.network()
  }
  if (outcome.response.ok) return outcome.data as T
  const problem = toProblem(outcome.response, outcome.error)
  if (problem.code === 'account_disabled') session.end('disabled')
  throw problem
}
