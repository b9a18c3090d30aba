// Who is signed in. The access token lives in this object and nowhere else; the refresh token is a cookie no script can read.
import { shallowRef } from 'vue'
import { toProblem } from '@/api/problem'
import type { Session, SessionUser } from '@/api/types'

export type EndReason = 'signed_out' | 'elsewhere' | 'expired' | 'disabled'

type Message = { type: 'session'; session: Session; startedAt: number } | { type: 'signed_out' }

export interface Channel {
  postMessage(message: unknown): void
  onmessage: ((event: MessageEvent) => void) | null
}

export interface Locks {
  request<T>(name: string, callback: () => Promise<T>): Promise<T>
}

/**
 * What this device remembers between visits: `in`, `out`, or `leaving` when a sign-out could not reach the server.
 * It spares a visitor who never signed in the refresh call, and finishes a sign-out that failed.
 */
export interface Hint {
  get(): string | null
  set(value: 'in' | 'out' | 'leaving'): void
}

/** Who was signed in on this device: shown while the server cannot be reached. Never a token. */
export interface LastUser {
  get(): SessionUser | null
  set(user: SessionUser | null): void
}

export interface KeeperDeps {
  post(path: '/api/auth/refresh' | '/api/auth/logout'): Promise<Response>
  channel: Channel | null
  locks: Locks | null
  hint: Hint
  lastUser: LastUser
  now(): number
  /** Resolves when the page should stand with what this device knows, though the server has not answered. */
  patience(): Promise<void>
}

/** Refresh a little early, so a request does not expire on its way. */
const EXPIRY_MARGIN_MS = 10_000

export class SessionKeeper {
  readonly status = shallowRef<'unknown' | 'in' | 'out'>('unknown')
  readonly user = shallowRef<SessionUser | null>(null)
  readonly ready: Promise<void>

  private token: string | null = null
  private expiresAt = 0
  /** Counts sign-ins and sign-outs: an answer that belongs to an earlier one is dropped. */
  private epoch = 0
  private signedOutAt = 0
  private refreshing: Promise<string | null> | null = null
  private settle!: () => void
  private listeners: ((reason: EndReason) => void)[] = []

  constructor(private readonly deps: KeeperDeps) {
    this.ready = new Promise((resolve) => (this.settle = resolve))
    if (deps.channel) deps.channel.onmessage = (event) => this.hear(event.data as Message)
  }

  onEnd(listener: (reason: EndReason) => void): void {
    this.listeners.push(listener)
  }

  /** Called once, when the page loads. */
  async restore(): Promise<void> {
    const hint = this.deps.hint.get()
    if (hint === 'leaving') await this.tellServer()
    if (hint !== 'in') return this.clear()
    void this.deps.patience().then(() => this.assume())
    try {
      await this.refresh(null)
    } catch {
      // Unreachable, not refused: who was signed in still is, as far as anyone knows.
      this.assume()
      if (this.status.value === 'unknown') this.clear()
    }
  }

  /** Signed in without a token: the first call that comes through asks for one, and ends the session if it is refused. */
  private assume(): void {
    const user = this.deps.lastUser.get()
    if (this.status.value !== 'unknown' || !user) return
    this.user.value = user
    this.status.value = 'in'
    this.settle()
  }

  /** Takes over the session of a sign-in, a registration or a claim. */
  signIn(session: Session, startedAt = this.deps.now()): void {
    this.epoch += 1
    this.adopt(session)
    this.deps.channel?.postMessage({ type: 'session', session, startedAt } satisfies Message)
  }

  async signOut(): Promise<void> {
    this.deps.hint.set('leaving')
    this.finish('signed_out')
    this.deps.channel?.postMessage({ type: 'signed_out' } satisfies Message)
    await this.tellServer()
  }

  /** The session is over without a call of ours: the account is gone or was disabled. */
  end(reason: EndReason): void {
    this.deps.hint.set('out')
    this.finish(reason)
    this.deps.channel?.postMessage({ type: 'signed_out' } satisfies Message)
  }

  /** A profile change shows everywhere at once. */
  rename(change: Partial<Pick<SessionUser, 'name' | 'email'>>): void {
    if (!this.user.value) return
    this.user.value = { ...this.user.value, ...change }
    this.deps.lastUser.set(this.user.value)
  }

  /** A token fit for the next request, or null when nobody is signed in. */
  async accessToken(): Promise<string | null> {
    if (!this.token) return this.status.value === 'in' ? this.refresh(null) : null
    if (this.deps.now() < this.expiresAt - EXPIRY_MARGIN_MS) return this.token
    return this.refresh(this.token)
  }

  /** One call for all that wait, in this tab and in others. `stale` is the token that was refused. */
  refresh(stale: string | null): Promise<string | null> {
    if (this.token && this.token !== stale) return Promise.resolve(this.token)
    this.refreshing ??= this.refreshOnce(stale).finally(() => (this.refreshing = null))
    return this.refreshing
  }

  private async refreshOnce(stale: string | null): Promise<string | null> {
    const epoch = this.epoch
    return this.exclusively(async () => {
      const overtaken = () => epoch !== this.epoch || (this.token !== null && this.token !== stale)
      if (overtaken()) return this.token
      const startedAt = this.deps.now()
      const response = await this.deps.post('/api/auth/refresh')
      // A sign-out (or another sign-in) came in between: its word stands, this answer is late.
      if (overtaken()) return this.token
      const body: unknown = await response.json().catch(() => null)
      if (overtaken()) return this.token
      if (response.ok) {
        const session = body as Session
        this.adopt(session)
        this.deps.channel?.postMessage({ type: 'session', session, startedAt } satisfies Message)
        return this.token
      }
      if (response.status === 401 || response.status === 403) {
        const problem = toProblem(response, body)
        this.deps.hint.set('out')
        this.finish(problem.code === 'account_disabled' ? 'disabled' : 'expired')
        return null
      }
      throw toProblem(response, body)
    })
  }

  private hear(message: Message): void {
    if (message.type === 'signed_out') {
      if (this.status.value !== 'out') this.finish('elsewhere')
      return
    }
    // Began before we signed out: a late answer in another tab must not sign us in again.
    if (message.startedAt <= this.signedOutAt) return
    if (message.session.user.id !== this.user.value?.id) this.epoch += 1
    this.adopt(message.session)
  }

  private adopt(session: Session): void {
    this.token = session.access_token
    this.expiresAt = this.deps.now() + session.expires_in * 1000
    this.user.value = session.user
    this.status.value = 'in'
    this.deps.hint.set('in')
    this.deps.lastUser.set(session.user)
    this.settle()
  }

  private finish(reason: EndReason): void {
    const wasIn = this.status.value === 'in'
    this.clear()
    if (wasIn) for (const listener of this.listeners) listener(reason)
  }

  private clear(): void {
    if (this.deps.hint.get() !== 'in') this.deps.lastUser.set(null)
    this.epoch += 1
    this.signedOutAt = this.deps.now()
    this.token = null
    this.user.value = null
    this.status.value = 'out'
    this.settle()
  }

  private async tellServer(): Promise<void> {
    try {
      const epoch = this.epoch
      await this.exclusively(async () => {
        // Someone signed in while we waited for our turn: that cookie is not ours to revoke.
        if (epoch !== this.epoch) return
        const response = await this.deps.post('/api/auth/logout')
        if (response.ok && this.deps.hint.get() === 'leaving') this.deps.hint.set('out')
      })
    } catch {
      // Still `leaving`: the next visit tries again.
    }
  }

  private exclusively<T>(work: () => Promise<T>): Promise<T> {
    return this.deps.locks ? this.deps.locks.request('parking:session', work) : work()
  }
}
