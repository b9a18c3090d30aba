// What a story begins with: lots and people, made over the API.
import { request, type APIRequestContext, type BrowserContext, type Page } from '@playwright/test'
import type { Booking, Lot, NewLot, Page as Listed, SentMail, Session } from '../src/api/types'
import type { Server } from './server'

export interface Account {
  id: string
  name: string
  email: string
  password: string
  token: string
}

const LOOK_AGAIN_MS = 100

let last = 0
/** Distinct in every test, so tests share a server without meeting. */
export function unique(): string {
  last += 1
  return `${process.pid.toString(36)}${Date.now().toString(36)}${last.toString(36)}`.toUpperCase()
}

export const PASSWORD = 'nine green bottles'

export class World {
  private constructor(
    readonly server: Server,
    private readonly http: APIRequestContext,
    readonly admin: Account,
  ) {}

  static async claim(server: Server): Promise<World> {
    // Between two stories a server may close an idle connection, just as the next request is on its way.
    const extraHTTPHeaders = { Connection: 'close' }
    const http = await request.newContext({ baseURL: server.url, extraHTTPHeaders })
    const token = server.claimLink.split('token=')[1]
    const admin = { name: 'Asha Kulkarni', email: 'asha@example.com', password: PASSWORD }
    const response = await http.post('/api/setup/claim', { data: { ...admin, token } })
    const session = (await read(response)) as Session
    return new World(server, http, { ...admin, id: session.user.id, token: session.access_token })
  }

  async close(): Promise<void> {
    await this.http.dispose()
  }

  async call<T>(who: Account, method: string, path: string, data?: object): Promise<T> {
    const headers = { Authorization: `Bearer ${who.token}` }
    return (await read(await this.http.fetch(path, { method, data, headers }))) as T
  }

  async driver(name = 'Ravi Deshpande'): Promise<Account> {
    const account = { name, email: `${unique().toLowerCase()}@example.com`, password: PASSWORD }
    const session = (await read(
      await this.http.post('/api/auth/register', { data: account }),
    )) as Session
    return { ...account, id: session.user.id, token: session.access_token }
  }

  lot(wanted: Partial<NewLot> = {}): Promise<Lot> {
    const lot = { name: `Lot ${unique()}`, price_per_hour_minor: 6_000, number_of_spots: 10 }
    return this.call(this.admin, 'POST', '/api/lots', { ...lot, ...wanted })
  }

  park(who: Account, lot: Lot, plate: string | null = null): Promise<Booking> {
    return this.call(who, 'POST', '/api/bookings', { lot_id: lot.id, vehicle_plate: plate })
  }

  release(who: Account, booking: Booking): Promise<Booking> {
    return this.call(who, 'POST', `/api/bookings/${booking.id}/release`)
  }

  /** The id of the latest mail to somebody. */
  async mailTo(who: Account): Promise<string> {
    const path = `/api/admin/mails?user_id=${who.id}`
    const { items } = await this.call<Listed<SentMail>>(this.admin, 'GET', path)
    return items[0]?.id ?? ''
  }

  /** Lets the operator's report of last month be made; gives the month. */
  async monthlyReport(): Promise<string> {
    await this.call(this.admin, 'POST', '/api/admin/schedules/monthly-reports/run')
    for (;;) {
      const { items } = await this.call<Listed<{ month: string }>>(
        this.admin,
        'GET',
        '/api/admin/reports',
      )
      if (items[0]) return items[0].month
      await new Promise((done) => setTimeout(done, LOOK_AGAIN_MS))
    }
  }

  /** The link of that page in the newest mail to them: without a mail server the admin sees it. */
  async linkMailedTo(who: Account, page: string): Promise<string> {
    const path = `/api/admin/mails?user_id=${who.id}&limit=5`
    const { items } = await this.call<{ items: { id: string }[] }>(this.admin, 'GET', path)
    for (const { id } of items) {
      const mail = await this.call<{ text: string }>(this.admin, 'GET', `/api/admin/mails/${id}`)
      const token = new RegExp(`/${page}#token=[\\w-]+`).exec(mail.text)
      if (token) return token[0]
    }
    return ''
  }

  signIn(context: BrowserContext, who: Account, home = ''): Promise<void> {
    return signIn(context, who, home)
  }
}

/** Leaves in the browser what a sign-in in an earlier visit would; `home` if not at its base URL. */
export async function signIn(
  context: BrowserContext,
  { email, password }: { email: string; password: string },
  home = '',
): Promise<void> {
  await read(await context.request.post(`${home}/api/auth/login`, { data: { email, password } }))
  await context.addInitScript(() => {
    localStorage['parking:session'] ??= 'in'
  })
}

interface Answer {
  ok(): boolean
  status(): number
  text(): Promise<string>
}

async function read(response: Answer): Promise<unknown> {
  const text = await response.text()
  if (!response.ok()) throw new Error(`${response.status()}: ${text}`)
  return text === '' ? undefined : JSON.parse(text)
}

export async function signInByHand(page: Page, who: Account): Promise<void> {
  const main = page.getByRole('main')
  await main.getByLabel('Email').fill(who.email)
  await main.getByLabel('Password', { exact: true }).fill(who.password)
  await main.getByRole('button', { name: 'Sign in' }).click()
}
