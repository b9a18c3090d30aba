import { describe, expect, it, vi } from 'vitest'
import type { Session, SessionUser } from '@/api/types'
import { SessionKeeper, type Channel, type EndReason, type KeeperDeps } from './session-keeper'

function sessionOf(token: string, name = 'Ravi'): Session {
  return {
    access_token: token,
    token_type: 'Bearer',
    expires_in: 900,
    user: { id: `id-${name}`, name, email: `${name}@example.com`, role: 'user' },
  }
}
const ok = (session: Session) => Response.json(session)
const refused = (code = 'invalid_refresh_token') =>
  Response.json({ code, status: 401 }, { status: 401 })

/** A server whose answers the test gives by hand. */
class Server {
  calls: { path: string; answer: (response: Response) => void; fail: () => void }[] = []
  post = (path: string) =>
    new Promise<Response>((answer, reject) => {
      this.calls.push({ path, answer, fail: () => reject(new TypeError('offline')) })
    })
  paths = () => this.calls.map((call) => call.path)
  async call(index: number) {
    await vi.waitFor(() => expect(this.calls.length).toBeGreaterThan(index))
    const call = this.calls[index]
    if (!call) throw new Error('no such call')
    return call
  }
}

/** Tabs of one browser: a shared channel, a shared lock, shared storage. */
class Browser {
  now = 1_000
  stored: string | null = 'in'
  lastUser: SessionUser | null = null
  private waited: (() => void)[] = []
  private tail: Promise<unknown> = Promise.resolve()
  private channels: Channel[] = []

  /** Long enough for a page to stand without an answer. */
  wait(): void {
    this.waited.forEach((done) => done())
  }

  tab(server: Server): { keeper: SessionKeeper; ended: EndReason[] } {
    const channel: Channel = {
      onmessage: null,
      postMessage: (data) => {
        for (const other of this.channels) {
          if (other !== channel) other.onmessage?.({ data } as MessageEvent)
        }
      },
    }
    this.channels.push(channel)
    const deps: KeeperDeps = {
      post: server.post,
      channel,
      locks: {
        request: <T>(_: string, work: () => Promise<T>) => {
          const turn = this.tail.then(work)
          this.tail = turn.catch(() => undefined)
          return turn
        },
      },
      hint: { get: () => this.stored, set: (value) => (this.stored = value) },
      lastUser: { get: () => this.lastUser, set: (user) => (this.lastUser = user) },
      patience: () => new Promise((done) => this.waited.push(done)),
      now: () => this.now,
    }
    const keeper = new SessionKeeper(deps)
    const ended: EndReason[] = []
    keeper.onEnd((reason) => ended.push(reason))
    return { keeper, ended }
  }
}

function setup() {
  const server = new Server()
  const browser = new Browser()
  return { server, browser, ...browser.tab(server) }
}

describe('the session', () => {
  it('is restored from the cookie when the page loads', async () => {
    const { server, keeper } = setup()
    void keeper.restore()
    ;(await server.call(0)).answer(ok(sessionOf('a')))
    await keeper.ready
    expect(keeper.user.value?.name).toBe('Ravi')
    expect(await keeper.accessToken()).toBe('a')
  })

  it('is not asked for where nobody has signed in, nor again where it was refused', async () => {
    const { server, browser, keeper } = setup()
    browser.stored = null
    await keeper.restore()
    expect(keeper.status.value).toBe('out')
    expect(server.calls).toHaveLength(0)

    browser.stored = 'in'
    const later = browser.tab(server)
    void later.keeper.restore()
    ;(await server.call(0)).answer(refused())
    await later.keeper.ready
    expect(browser.stored).toBe('out')
    await browser.tab(server).keeper.restore()
    expect(server.calls).toHaveLength(1)
  })

  it('is out, but not forgotten, when the server cannot be reached and nobody is known', async () => {
    const { server, browser, keeper } = setup()
    void keeper.restore()
    ;(await server.call(0)).fail()
    await keeper.ready
    expect(keeper.status.value).toBe('out')
    expect(browser.stored).toBe('in')
  })

  it('goes on without the server for whoever was signed in, and is renewed when it is back', async () => {
    const { server, browser } = setup()
    browser.tab(server).keeper.signIn(sessionOf('before'))
    const later = browser.tab(server)
    void later.keeper.restore()
    ;(await server.call(0)).fail()
    await later.keeper.ready
    expect(later.keeper.user.value?.name).toBe('Ravi')
    const unreached = later.keeper.accessToken()
    ;(await server.call(1)).fail()
    await expect(unreached).rejects.toThrow()
    expect(later.keeper.status.value).toBe('in')

    const token = later.keeper.accessToken()
    ;(await server.call(2)).answer(ok(sessionOf('fresh')))
    expect(await token).toBe('fresh')
    expect(later.ended).toEqual([])
  })

  it('stands with what is known when the server takes long, and ends if it refuses', async () => {
    const { server, browser } = setup()
    browser.tab(server).keeper.signIn(sessionOf('before'))
    const later = browser.tab(server)
    void later.keeper.restore()
    const call = await server.call(0)
    expect(later.keeper.status.value).toBe('unknown')
    browser.wait()
    await later.keeper.ready
    expect(later.keeper.status.value).toBe('in')
    call.answer(refused())
    await vi.waitFor(() => expect(later.keeper.status.value).toBe('out'))
    expect(later.ended).toEqual(['expired'])
    expect(browser.lastUser).toBeNull()
  })

  it('is refreshed once for all that wait', async () => {
    const { server, keeper } = setup()
    keeper.signIn(sessionOf('old'))
    const all = Promise.all([keeper.refresh('old'), keeper.refresh('old'), keeper.refresh('old')])
    ;(await server.call(0)).answer(ok(sessionOf('new')))
    expect(await all).toEqual(['new', 'new', 'new'])
    expect(server.paths()).toEqual(['/api/auth/refresh'])
  })

  it('is not refreshed for a token that was replaced meanwhile', async () => {
    const { server, keeper } = setup()
    keeper.signIn(sessionOf('new'))
    expect(await keeper.refresh('old')).toBe('new')
    expect(server.calls).toHaveLength(0)
  })

  it('is refreshed once for all tabs', async () => {
    const { server, browser, keeper } = setup()
    const other = browser.tab(server)
    keeper.signIn(sessionOf('old'))
    expect(await other.keeper.accessToken()).toBe('old')
    const both = Promise.all([keeper.refresh('old'), other.keeper.refresh('old')])
    ;(await server.call(0)).answer(ok(sessionOf('new')))
    expect(await both).toEqual(['new', 'new'])
    expect(server.calls).toHaveLength(1)
  })

  it('is refreshed before its token expires', async () => {
    const { server, browser, keeper } = setup()
    keeper.signIn(sessionOf('old'))
    browser.now += 895_000
    const token = keeper.accessToken()
    ;(await server.call(0)).answer(ok(sessionOf('new')))
    expect(await token).toBe('new')
  })

  it('ends when the refresh is refused, and says why', async () => {
    const { server, keeper, ended } = setup()
    keeper.signIn(sessionOf('a'))
    const refresh = keeper.refresh('a')
    ;(await server.call(0)).answer(refused())
    expect(await refresh).toBeNull()
    expect(ended).toEqual(['expired'])

    keeper.signIn(sessionOf('b'))
    const second = keeper.refresh('b')
    ;(await server.call(1)).answer(refused('account_disabled'))
    await second
    expect(ended).toEqual(['expired', 'disabled'])
  })

  it('survives a refresh that could not reach the server', async () => {
    const { server, keeper, ended } = setup()
    keeper.signIn(sessionOf('a'))
    const refresh = keeper.refresh('a')
    ;(await server.call(0)).fail()
    await expect(refresh).rejects.toThrow()
    expect(keeper.status.value).toBe('in')
    expect(ended).toEqual([])
  })
})

describe('signing out', () => {
  it('is not undone by a late refresh', async () => {
    const { server, browser, keeper, ended } = setup()
    keeper.signIn(sessionOf('old'))
    const refresh = keeper.refresh('old')
    const late = await server.call(0)
    const leaving = keeper.signOut()
    late.answer(ok(sessionOf('new')))
    expect(await refresh).toBeNull()
    // The server is told after the refresh, so the rotated cookie is revoked as well.
    const logout = await server.call(1)
    expect(logout.path).toBe('/api/auth/logout')
    logout.answer(new Response(null, { status: 204 }))
    await leaving
    expect(keeper.status.value).toBe('out')
    expect(await keeper.accessToken()).toBeNull()
    expect(browser.stored).toBe('out')
    expect(ended).toEqual(['signed_out'])
  })

  it('signs out the other tabs', async () => {
    const { server, browser, keeper } = setup()
    const other = browser.tab(server)
    keeper.signIn(sessionOf('a'))
    expect(other.keeper.status.value).toBe('in')
    void keeper.signOut()
    expect(other.keeper.status.value).toBe('out')
    expect(other.ended).toEqual(['elsewhere'])
  })

  it('is not undone by a late refresh of another tab', async () => {
    const { server, browser, keeper } = setup()
    const other = browser.tab(server)
    keeper.signIn(sessionOf('old'))
    const refresh = other.keeper.refresh('old')
    const late = await server.call(0)
    browser.now += 1_000
    void keeper.signOut()
    late.answer(ok(sessionOf('new')))
    await refresh
    expect(keeper.status.value).toBe('out')
    expect(other.keeper.status.value).toBe('out')
  })

  it('is finished on the next visit when the server could not be told', async () => {
    const { server, browser, keeper } = setup()
    keeper.signIn(sessionOf('a'))
    const leaving = keeper.signOut()
    ;(await server.call(0)).fail()
    await leaving
    expect(browser.stored).toBe('leaving')
    expect(browser.lastUser).toBeNull()

    const next = browser.tab(server)
    const restored = next.keeper.restore()
    const logout = await server.call(1)
    expect(logout.path).toBe('/api/auth/logout')
    logout.answer(new Response(null, { status: 204 }))
    await restored
    expect(next.keeper.status.value).toBe('out')
    expect(browser.stored).toBe('out')
  })

  it('leaves a sign-in that follows at once alone', async () => {
    const { server, keeper } = setup()
    keeper.signIn(sessionOf('a'))
    const leaving = keeper.signOut()
    keeper.signIn(sessionOf('b', 'Asha'))
    await leaving
    expect(server.calls).toHaveLength(0)
    expect(keeper.user.value?.name).toBe('Asha')
  })
})
