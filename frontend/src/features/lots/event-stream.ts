// One event stream per browser. The tab that holds a lock listens to the server and tells the others what it hears; when it goes,
// the lock passes on and the next tab listens. A hidden tab gives way, so a phone in a pocket holds no connection.

export interface LotFigures {
  id: string
  free_spots: number
  number_of_spots: number
}

export type LiveState = 'connecting' | 'live' | 'reconnecting'

type Message =
  /** Of a tab that came later: how do things stand? */
  | { type: 'hello' }
  | { type: 'state'; state: LiveState; opened: boolean }
  | { type: 'lot'; figures: LotFigures }

export interface StreamDeps {
  open(): EventSource
  channel: Pick<BroadcastChannel, 'postMessage' | 'onmessage' | 'close'> | null
  locks: {
    request(
      name: string,
      options: { signal: AbortSignal },
      callback: () => Promise<void>,
    ): Promise<unknown>
  } | null
}

export interface StreamListener {
  state(state: LiveState): void
  lot(figures: LotFigures): void
  /** The stream was interrupted: what is shown may have missed something. */
  missed(): void
}

const RETRY_MS = [1_000, 2_000, 5_000, 10_000]
const LOCK = 'parking:events'

export class EventStream {
  private state: LiveState = 'connecting'
  private source: EventSource | null = null
  private retry: ReturnType<typeof setTimeout> | undefined
  private failures = 0
  private leading = false
  private behind = false
  /** Set while the tab is to be seen. */
  private leave: (() => void) | null = null

  constructor(
    private readonly deps: StreamDeps,
    private readonly listener: StreamListener,
  ) {
    if (deps.channel) deps.channel.onmessage = (event) => this.hear(event.data as Message)
  }

  /** The tab is to be seen: it listens, or waits for its turn while another tab tells. */
  show(): void {
    if (this.leave) return
    const { channel, locks } = this.deps
    if (!channel || !locks) {
      this.leave = () => this.close()
      this.lead()
      return
    }
    const waiting = new AbortController()
    const left = new Promise<void>((done) => {
      this.leave = () => {
        waiting.abort()
        this.close()
        done()
      }
    })
    this.send({ type: 'hello' })
    locks
      .request(LOCK, { signal: waiting.signal }, async () => {
        if (waiting.signal.aborted) return
        this.lead()
        await left
      })
      // Aborted while it waited.
      .catch(() => undefined)
  }

  hide(): void {
    this.leave?.()
    this.leave = null
    if (this.state !== 'connecting') this.behind = true
    this.become('connecting')
  }

  /** Whatever an open stream still said would belie "Reconnecting". */
  offline(): void {
    this.interrupt()
    this.become('reconnecting')
  }

  online(): void {
    if (this.leading) this.connect()
  }

  stop(): void {
    this.hide()
    this.deps.channel?.close()
  }

  private lead(): void {
    this.leading = true
    this.failures = 0
    // Between the last word of the tab before and the first of ours something may have happened.
    if (this.state !== 'connecting') this.behind = true
    this.connect()
  }

  private connect(): void {
    this.interrupt()
    const source = this.deps.open()
    this.source = source
    source.addEventListener('open', () => {
      this.failures = 0
      this.become('live', true)
    })
    source.addEventListener('lot', (event) => {
      const figures = parseFigures((event as MessageEvent<string>).data)
      if (!figures) return
      this.listener.lot(figures)
      this.send({ type: 'lot', figures })
    })
    source.addEventListener('error', () => {
      const before = this.state !== 'connecting' || this.failures > 0
      this.become(before ? 'reconnecting' : 'connecting')
      this.failures += 1
      // The browser retries a broken stream by itself, but gives up on one that was refused.
      if (source.readyState !== EventSource.CLOSED) return
      const wait = RETRY_MS[Math.min(this.failures, RETRY_MS.length) - 1]
      this.retry = setTimeout(() => this.connect(), wait)
    })
  }

  private interrupt(): void {
    clearTimeout(this.retry)
    this.source?.close()
    this.source = null
  }

  private close(): void {
    this.interrupt()
    this.leading = false
  }

  private hear(message: Message): void {
    if (!this.leave) return
    if (this.leading) {
      if (message.type === 'hello') this.tell(false)
    } else if (message.type === 'lot') {
      this.listener.lot(message.figures)
    } else if (message.type === 'state') {
      this.become(message.state, message.opened)
    }
  }

  /** `opened`: the stream is a new one, and what was said between it and the one before is lost. */
  private become(state: LiveState, opened = false): void {
    if (state === 'reconnecting' || (opened && this.state === 'live')) this.behind = true
    this.state = state
    this.listener.state(state)
    if (this.leading) this.tell(opened)
    if (state === 'live' && this.behind) {
      this.behind = false
      this.listener.missed()
    }
  }

  private tell(opened: boolean): void {
    this.send({ type: 'state', state: this.state, opened })
  }

  private send(message: Message): void {
    this.deps.channel?.postMessage(message)
  }
}

export function parseFigures(data: string): LotFigures | null {
  try {
    const value = JSON.parse(data) as Partial<LotFigures> | null
    return typeof value?.id === 'string' &&
      typeof value.free_spots === 'number' &&
      typeof value.number_of_spots === 'number'
      ? { id: value.id, free_spots: value.free_spots, number_of_spots: value.number_of_spots }
      : null
  } catch {
    return null
  }
}
