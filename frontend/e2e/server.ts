// A server of its own: the real binary on a free port, with a new data folder.
import { execFile, spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'

/** Who can sign in to the demo's city. */
export interface DemoAccounts {
  operator: { email: string; password: string }
  driver: { email: string; password: string }
}

export interface Server {
  url: string
  /** Of a server that was started with a city. */
  demo?: DemoAccounts
  /** The one-time link that makes the first admin; relative. */
  claimLink: string
  /** Brings in lots or sessions of the past. */
  importCsv(what: 'lots' | 'sessions', csv: string): Promise<void>
  stop(): Promise<void>
}

const START_MS_MAX = 20_000
/** How much of its log is shown of a server that ended on its own. */
const LOG_SHOWN_MAX = 4_000

/** `demoDays`: with a city that has parked for so many days. */
export async function startServer(
  settings: Record<string, string> = {},
  demoDays = 0,
): Promise<Server> {
  const binary =
    process.env.PARKING_BIN ?? join(import.meta.dirname, '../../target/release/parking')
  const folder = await mkdtemp(join(tmpdir(), 'parking-e2e-'))
  const env = {
    PATH: process.env.PATH,
    DATA_DIR: folder,
    LISTEN: '127.0.0.1:0',
    RATE_LIMIT: 'off',
    ...settings,
  }
  const run = async (...args: string[]) =>
    (await promisify(execFile)(resolve(binary), args, { cwd: folder, env })).stdout
  const demo = demoDays > 0 ? accounts(await run('demo', '--days', String(demoDays))) : undefined
  const child = spawn(resolve(binary), ['serve'], {
    cwd: folder,
    env,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const ended = new Promise<void>((done) => child.once('exit', () => done()))
  // A worker of the tests that ends in the middle leaves no server behind.
  const killed = () => child.kill('SIGKILL')
  process.once('exit', killed)
  let log = ''
  const endedEarly = (code: number | null, signal: NodeJS.Signals | null) =>
    console.error(`the server ended with ${signal ?? code}:\n${log.slice(-LOG_SHOWN_MAX)}`)

  async function stop(): Promise<void> {
    process.off('exit', killed)
    child.off('exit', endedEarly)
    child.kill('SIGTERM')
    await ended
    await rm(folder, { recursive: true, force: true })
  }

  async function importCsv(what: 'lots' | 'sessions', csv: string): Promise<void> {
    const file = join(folder, `${what}.csv`)
    await writeFile(file, csv)
    await run('import', what, file)
  }

  const url = await new Promise<{ url: string; claimLink: string }>((found, failed) => {
    const timer = setTimeout(
      () => failed(new Error(`the server did not start:\n${log}`)),
      START_MS_MAX,
    )
    child.once('error', failed)
    child.once('exit', (code) => failed(new Error(`the server ended with ${code}:\n${log}`)))
    child.stderr.on('data', (data: Buffer) => {
      log += data.toString()
      // The whole line: it may arrive in pieces.
      const address = /listening on (http:\/\/\S+)\n/.exec(log)?.[1]
      if (!address) return
      clearTimeout(timer)
      found({ url: address, claimLink: /\/claim#token=\S+/.exec(log)?.[0] ?? '' })
    })
  })
  child.once('exit', endedEarly)
  return { ...url, demo, importCsv, stop }
}

/** As `parking demo` says them. */
function accounts(said: string): DemoAccounts {
  const of = (who: string) => {
    const [, email = '', password = ''] = new RegExp(`${who}: +(\\S+) +(\\S+)`).exec(said) ?? []
    return { email, password }
  }
  return { operator: of('The operator'), driver: of('A driver') }
}
