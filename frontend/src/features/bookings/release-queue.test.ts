import { describe, expect, it, vi } from 'vitest'
import { ApiProblem } from '@/api/problem'
import type { Booking } from '@/api/types'
import { ReleaseQueue, type QueueDeps, type WaitingRelease } from './release-queue'

const booking = (id = 'b1') => ({ id }) as Booking
const RAVI = 'ravi'
const TAP = Date.parse('2026-11-22T14:20:00Z')
const problem = (code: string, status: number) => new ApiProblem({ code, status })

/** A device: what it keeps outlives a queue, as it outlives a tab. */
function device(send: QueueDeps['send'] = () => Promise.resolve(booking())) {
  let kept: WaitingRelease[] | null = null
  let busy = false
  const clock = { ahead: 0 }
  const sent = vi.fn<QueueDeps['send']>(send)
  const told: string[] = []
  const open = () =>
    new ReleaseQueue({
      store: { get: () => kept, set: (releases) => (kept = releases) },
      serverTime: (ms) => ms - clock.ahead,
      async exclusively(work) {
        if (busy) return
        busy = true
        await work().finally(() => (busy = false))
      },
      send: sent,
      sent: ({ id }) => told.push(`sent ${id}`),
      refused: ({ bookingId }) => told.push(`refused ${bookingId}`),
    })
  /** The tab that sends is gone, and its lock with it. */
  const crash = () => (busy = false)
  return { open, sent, told, clock, crash }
}
const states = (queue: ReleaseQueue) =>
  queue.releases.value.map(({ bookingId, state }) => `${bookingId} ${state}`)

describe('a release that waits', () => {
  it('is sent with the time of the tap and a key of its own', async () => {
    const { open, sent, told } = device()
    const queue = open()
    queue.add(booking(), RAVI, TAP)
    expect(states(queue)).toEqual(['b1 waiting'])
    await queue.send(RAVI)
    expect(sent.mock.calls[0]?.[0]).toMatchObject({
      bookingId: 'b1',
      releasedAt: '2026-11-22T14:20:00.000Z',
      key: expect.stringMatching(/^[0-9a-f]{32}$/) as string,
    })
    expect(told).toEqual(['sent b1'])
    expect(states(queue)).toEqual([])
  })

  it('is told by the clock of the server', async () => {
    const { open, sent, clock } = device()
    const queue = open()
    queue.add(booking(), RAVI, TAP)
    clock.ahead = 300_000
    await queue.send(RAVI)
    expect(sent.mock.calls[0]?.[0].releasedAt).toBe('2026-11-22T14:15:00.000Z')
  })

  it('waits on when it does not come through, and is the very same when it is sent again', async () => {
    const answers = [
      ApiProblem.network(),
      problem('busy', 503),
      problem('rate_limited', 429),
      problem('unauthorized', 401),
      problem('idempotency_key_in_flight', 409),
    ]
    const { open, sent, told, clock } = device(() => {
      const answer = answers.shift()
      return answer ? Promise.reject(answer) : Promise.resolve(booking())
    })
    const queue = open()
    queue.add(booking(), RAVI, TAP)
    for (let n = 0; n < 5; n += 1) {
      await queue.send(RAVI)
      expect(states(queue)).toEqual(['b1 waiting'])
      clock.ahead += 2_000
    }
    await queue.send(RAVI)
    const asked = sent.mock.calls.map(([{ releasedAt, key }]) => `${releasedAt} ${key}`)
    expect(asked).toHaveLength(6)
    expect(new Set(asked).size).toBe(1)
    expect(told).toEqual(['sent b1'])
  })

  it('outlives the tab, also one that was closed while it was being sent', async () => {
    const { open, sent, told, crash } = device()
    const first = open()
    first.add(booking(), RAVI, TAP)
    sent.mockReturnValueOnce(new Promise(() => undefined))
    void first.send(RAVI)
    crash()
    const again = open()
    expect(states(again)).toEqual(['b1 sending'])
    await again.send(RAVI)
    expect(told).toEqual(['sent b1'])
    const keys = sent.mock.calls.map(([{ key }]) => key)
    expect(keys[0]).toBe(keys[1])
  })

  it('is sent by one tab only', async () => {
    const { open, sent } = device()
    const [first, second] = [open(), open()]
    first.add(booking(), RAVI, TAP)
    await Promise.all([first.send(RAVI), second.send(RAVI)])
    expect(sent).toHaveBeenCalledTimes(1)
  })

  it('can be taken back, in another tab too', async () => {
    const { open, sent } = device()
    const [first, second] = [open(), open()]
    first.add(booking(), RAVI, TAP)
    second.takeBack('b1')
    await first.send(RAVI)
    expect(sent).not.toHaveBeenCalled()
    expect(states(first)).toEqual([])
  })

  it('that was taken back while it was on its way does not come back', async () => {
    let fail = (): void => undefined
    const { open } = device(
      () => new Promise((_, reject) => (fail = () => reject(ApiProblem.network()))),
    )
    const queue = open()
    queue.add(booking(), RAVI, TAP)
    const sending = queue.send(RAVI)
    await vi.waitFor(() => expect(states(queue)).toEqual(['b1 sending']))
    open().takeBack('b1')
    fail()
    await sending
    expect(states(queue)).toEqual([])
  })

  it('counts from the first tap, and anew once it was refused', async () => {
    const { open, sent, told } = device(() => Promise.reject(problem('validation_failed', 422)))
    const queue = open()
    queue.add(booking(), RAVI, TAP)
    queue.add(booking(), RAVI, TAP + 60_000)
    await queue.send(RAVI)
    expect(sent.mock.calls[0]?.[0].tappedAt).toBe(TAP)
    expect(states(queue)).toEqual(['b1 refused'])
    expect(told).toEqual(['refused b1'])
    await queue.send(RAVI)
    expect(sent).toHaveBeenCalledTimes(1)
    queue.add(booking(), RAVI, TAP + 120_000)
    expect(states(queue)).toEqual(['b1 waiting'])
  })

  it('is dropped when its booking is not there any more', async () => {
    const { open, told } = device(() => Promise.reject(problem('not_found', 404)))
    const queue = open()
    queue.add(booking(), RAVI, TAP)
    await queue.send(RAVI)
    expect(states(queue)).toEqual([])
    expect(told).toEqual(['refused b1'])
  })

  it('is sent for whoever tapped, and forgotten when somebody else signs in', async () => {
    const { open, sent } = device()
    const queue = open()
    queue.add(booking(), RAVI, TAP)
    await queue.send('asha')
    expect(sent).not.toHaveBeenCalled()
    queue.keepOnly('asha')
    expect(states(queue)).toEqual([])
  })
})
