import { QueryClient } from '@tanstack/vue-query'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { keys } from '@/api/query'
import { readUsualLot } from './usual-lot'

const NOT_FOUND = 'not_found'
const answer = (body: object, status = 200) => new Response(JSON.stringify(body), { status })
function serve(lots: string[], gone: string[] = []): void {
  vi.stubGlobal('fetch', (request: Request) => {
    const id = new URL(request.url).pathname.split('/').at(-1) ?? ''
    if (id === 'stats')
      return Promise.resolve(answer({ lots: lots.map((id) => ({ lot: { id } })) }))
    return Promise.resolve(gone.includes(id) ? answer({ code: NOT_FOUND }, 404) : answer({ id }))
  })
}
const read = (client = new QueryClient()) => readUsualLot(client, new AbortController().signal)

describe('the usual lot', () => {
  afterEach(() => vi.unstubAllGlobals())

  it('is the most used of those that are still there', async () => {
    serve(['mall', 'station', 'market'], ['mall'])
    const client = new QueryClient()
    expect(await read(client)).toBe('station')
    expect(client.getQueryData(keys.lot('station'))).toEqual({ id: 'station' })
  })

  it('is none for who has never parked, or when all are gone', async () => {
    serve([])
    expect(await read()).toBeNull()
    serve(['mall'], ['mall'])
    expect(await read()).toBeNull()
  })
})
