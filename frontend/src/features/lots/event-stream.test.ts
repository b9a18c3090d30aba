import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { FakeSource } from './event-stream.fake'
import { EventStream, parseFigures, type LiveState, type StreamDeps } from './event-stream'

type Channel = NonNullable<StreamDeps['channel']>

/** Tabs of one browser: a shared channel and a lock that one of them holds at a time. */
class Browser {
  private channels: Channel[] = []
  private tail: Promise<unknown> = Promise.resolve()

  tab({ alone = false } = {}) {
    const channel: Channel = {
      onmessage: null,
      postMessage: (data: unknown) => {
        for (const other of this.channels) {
          if (other !== channel)
            other.onmessage?.call(other as BroadcastChannel, { data } as MessageEvent)
        }
      },
      close: () => {
        this.channels = this.channels.filter((other) => other !== channel)
      },
    }
    this.channels.push(channel)
    const sources: FakeSource[] = []
    const seen = { states: [] as LiveState[], lots: [] as string[], missed: 0 }
    const stream = new EventStream(
      {
        open: () => {
          const source = new FakeSource('/api/events')
          sources.push(source)
          return source as unknown as EventSource
        },
        channel: alone ? null : channel,
        locks: alone
          ? null
          : {
              request: (_name, { signal }, callback) => {
                const turn = this.tail.then(() => (signal.aborted ? undefined : callback()))
                this.tail = turn
                return turn
              },
            },
      },
      {
        state: (state) => seen.states.push(state),
        lot: (figures) => seen.lots.push(`${figures.id} ${figures.free_spots}`),
        missed: () => (seen.missed += 1),
      },
    )
    stream.show()
    return { stream, seen, sources }
  }
}

const turn = () => new Promise((done) => setTimeout(done))
const open = (sources: FakeSource[]) => sources.filter((source) => source.readyState === 1)
const said = { id: 'a', free_spots: 3, number_of_spots: 10 }
const last = (sources: FakeSource[]) => {
  const source = sources.at(-1)
  if (!source) throw new Error('no stream')
  return source
}

beforeEach(() => vi.stubGlobal('EventSource', FakeSource))
afterEach(() => vi.unstubAllGlobals())

describe('the event stream of a browser', () => {
  async function two() {
    const browser = new Browser()
    const [first, second] = [browser.tab(), browser.tab()]
    await turn()
    last(first.sources).say('open')
    return { browser, first, second }
  }

  it('is one, and every tab hears it', async () => {
    const { first, second } = await two()
    last(first.sources).say('lot', said)
    expect(second.sources).toHaveLength(0)
    expect([first.seen.lots, second.seen.lots]).toEqual([['a 3'], ['a 3']])
    expect([first.seen.states.at(-1), second.seen.states.at(-1)]).toEqual(['live', 'live'])
    expect([first.seen.missed, second.seen.missed]).toEqual([0, 0])
  })

  it('tells a tab that comes later how things stand', async () => {
    const { browser } = await two()
    expect(browser.tab().seen.states.at(-1)).toBe('live')
  })

  it('passes on at once when its tab goes, and what was missed is read anew', async () => {
    const { first, second } = await two()
    first.stream.stop()
    await turn()
    expect(open(first.sources)).toHaveLength(0)
    last(second.sources).say('open')
    last(second.sources).say('lot', said)
    expect(second.seen.lots).toEqual(['a 3'])
    expect(second.seen.missed).toBe(1)
  })

  it('is told as interrupted in every tab, and all read anew when it is back', async () => {
    const { first, second } = await two()
    last(first.sources).say('error')
    expect([first.seen.states.at(-1), second.seen.states.at(-1)]).toEqual([
      'reconnecting',
      'reconnecting',
    ])
    last(first.sources).say('open')
    expect([first.seen.states.at(-1), second.seen.states.at(-1)]).toEqual(['live', 'live'])
    expect([first.seen.missed, second.seen.missed]).toEqual([1, 1])
  })

  it('is left by a hidden tab, and taken up by one that is seen', async () => {
    const { first, second } = await two()
    first.stream.hide()
    await turn()
    expect(open(first.sources)).toHaveLength(0)
    expect(open(second.sources)).toHaveLength(1)
    last(second.sources).say('open')
    last(second.sources).say('lot', said)
    expect(first.seen.lots).toEqual([])

    first.stream.show()
    await turn()
    expect(open(first.sources)).toHaveLength(0)
    expect(first.seen.states.at(-1)).toBe('live')
    expect(first.seen.missed).toBe(1)
  })

  it('is none while all tabs are hidden', async () => {
    const { first, second } = await two()
    second.stream.hide()
    first.stream.hide()
    await turn()
    expect([...open(first.sources), ...open(second.sources)]).toEqual([])
  })

  it('is closed while the browser is offline, and opened when it is back', async () => {
    const { first, second } = await two()
    for (const { stream } of [first, second]) stream.offline()
    expect(open(first.sources)).toHaveLength(0)
    expect(second.seen.states.at(-1)).toBe('reconnecting')
    for (const { stream } of [first, second]) stream.online()
    last(first.sources).say('open')
    expect(first.sources).toHaveLength(2)
    expect(second.sources).toHaveLength(0)
    expect(second.seen.states.at(-1)).toBe('live')
  })
})

describe('without locks or a channel', () => {
  it('every tab has its own', () => {
    const browser = new Browser()
    const [first, second] = [browser.tab({ alone: true }), browser.tab({ alone: true })]
    last(first.sources).say('open')
    last(second.sources).say('lot', said)
    expect(open(first.sources)).toHaveLength(1)
    expect([first.seen.lots, second.seen.lots]).toEqual([[], ['a 3']])
  })

  it('it is opened again when the browser gave up', () => {
    vi.useFakeTimers()
    const { sources } = new Browser().tab({ alone: true })
    last(sources).close()
    last(sources).say('error')
    vi.advanceTimersByTime(1_000)
    expect(sources).toHaveLength(2)
    vi.useRealTimers()
  })
})

describe('figures', () => {
  it('are ignored when they make no sense', () => {
    expect(parseFigures(JSON.stringify(said))).toEqual(said)
    expect(parseFigures('{"id":"a"}')).toBeNull()
    expect(parseFigures('null')).toBeNull()
    expect(parseFigures('<html>')).toBeNull()
  })
})
