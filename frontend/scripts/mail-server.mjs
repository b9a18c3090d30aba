// An SMTP server for the tests, which does what it is told on stdin. tests/it/peers.rs is its usual caller.
//
// usage: mail-server.mjs [--tls | --starttls] [--certificate FILE --key FILE] [--user U --password P]
//   --tls       speaks TLS from the first byte        --starttls  takes no mail before STARTTLS
//   --user      takes no mail before AUTH
//
// Out, one JSON document a line; the first says where it listens:
//   {"port":N}
//   {"accepted":MESSAGE}  answered with 250
//   {"cut":MESSAGE}       received in full, never answered: the connection was cut
//   {"stalled":MESSAGE}   not answered, and the connection is still open
//   {"refused":MESSAGE}   answered with the code it was told
// MESSAGE: {"at","code","from","to","data","secure","user"}; the parts that had not arrived are empty. Its line is
// written before its answer. `at` is where in the dialogue: "connect", "auth", "mail", "rcpt", "data".
//
// In, one JSON document a line, each answered with {"done":DOCUMENT} once it is in force:
//   {"mode":"accept"}                            as it starts; listens again, on the same port, after "down"
//   {"mode":"refuse","code":451,"at":"rcpt"}     400 to 599
//   {"mode":"stall","at":"data"}
//   {"mode":"cut"}
//   {"mode":"down"}                              closes the listener and every connection
//   {}                                           changes nothing: all that went before has been said
// Ends with its stdin.
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { parseArgs } from 'node:util'
import { SMTPServer } from 'smtp-server'

const STEPS = ['connect', 'auth', 'mail', 'rcpt', 'data']

const { values: options } = parseArgs({
  options: {
    tls: { type: 'boolean', default: false },
    starttls: { type: 'boolean', default: false },
    certificate: { type: 'string' },
    key: { type: 'string' },
    user: { type: 'string' },
    password: { type: 'string' },
  },
})
const encrypted = options.tls || options.starttls
if (encrypted && !(options.certificate && options.key)) {
  throw new Error('--tls and --starttls need --certificate and --key')
}

let order = { mode: 'accept' }
let server
let port = 0
/** By the client's port, which its session knows: the library hides the socket. */
const connections = new Map()

// Written to a pipe at once on Linux, so a line is out before the answer that follows it.
function say(line) {
  process.stdout.write(`${JSON.stringify(line)}\n`)
}

function message(at, session, { code = 0, to = [], data = '' } = {}) {
  const { envelope, secure, user } = session
  const from = envelope.mailFrom ? envelope.mailFrom.address : ''
  const recipients = [...envelope.rcptTo.map((recipient) => recipient.address), ...to]
  return { at, code, from, to: recipients, data, secure, user: user ?? '' }
}

function refusal(code, why) {
  return Object.assign(new Error(why), { responseCode: code })
}

/** Goes on, refuses or never answers, as the order has it for this step. */
function step(at, session, answer, received = {}) {
  if (order.at !== at) return answer()
  if (order.mode === 'refuse') {
    const { code } = order
    say({ refused: message(at, session, { ...received, code }) })
    return answer(refusal(code, 'refused as told'))
  }
  if (order.mode === 'stall') return say({ stalled: message(at, session, received) })
  return answer()
}

function newServer() {
  const served = new SMTPServer({
    name: 'mail.test',
    logger: false,
    secure: options.tls,
    ...(encrypted && {
      cert: readFileSync(options.certificate),
      key: readFileSync(options.key),
    }),
    // No look-up of names leaves this machine.
    disableReverseLookup: true,
    // Longer than any test: whoever stalls, it is not this server that gives up.
    socketTimeout: 600_000,
    allowInsecureAuth: !encrypted,
    disabledCommands: [!options.starttls && 'STARTTLS', !options.user && 'AUTH'].filter(Boolean),

    onConnect: (session, answer) => step('connect', session, answer),
    onAuth: (auth, session, answer) =>
      step('auth', session, (refused) => {
        const known = auth.username === options.user && auth.password === options.password
        if (refused || !known) return answer(refused ?? refusal(535, 'authentication failed'))
        return answer(null, { user: auth.username })
      }),
    onMailFrom: (address, session, answer) => {
      if (options.starttls && !session.secure) return answer(refusal(530, 'STARTTLS first'))
      const envelope = { mailFrom: address, rcptTo: [] }
      return step('mail', { ...session, envelope }, answer)
    },
    onRcptTo: (address, session, answer) =>
      step('rcpt', session, answer, { to: [address.address] }),
    onData: async (stream, session, answer) => {
      let data
      try {
        data = await text(stream)
      } catch {
        return // The client went away in the middle of it.
      }
      if (order.mode === 'cut') {
        say({ cut: message('data', session, { data }) })
        connections.get(session.remotePort)?.destroy()
        return
      }
      step(
        'data',
        session,
        (refused) => {
          if (!refused) say({ accepted: message('data', session, { code: 250, data }) })
          answer(refused)
        },
        { data },
      )
    },
  })
  served.on('error', (error) => {
    // A broken connection is the client's affair, or what was asked for.
    if (error.syscall === 'listen') throw error
  })
  served.server.on('connection', (socket) => {
    const { remotePort } = socket
    connections.set(remotePort, socket)
    socket.once('close', () => connections.delete(remotePort))
  })
  return served
}

async function open() {
  server = newServer()
  server.listen(port, '127.0.0.1')
  await once(server.server, 'listening')
  port = server.server.address().port
}

async function close() {
  const closed = once(server.server, 'close')
  server.close()
  for (const socket of connections.values()) socket.destroy()
  await closed
  server = undefined
}

function check({ mode, at, code }) {
  const known = ['accept', 'refuse', 'stall', 'cut', 'down'].includes(mode)
  if (!known) throw new Error(`no such mode: ${mode}`)
  if (['refuse', 'stall'].includes(mode) && !STEPS.includes(at)) {
    throw new Error(`at: one of ${STEPS.join(', ')}`)
  }
  if (at === 'auth' && !options.user) throw new Error('at auth: needs --user')
  if (mode === 'refuse' && !(code >= 400 && code <= 599)) throw new Error('code: 400 to 599')
}

async function obey(next) {
  if (Object.keys(next).length === 0) return
  check(next)
  order = next
  if (next.mode === 'down' && server) await close()
  if (next.mode !== 'down' && !server) await open()
}

await open()
say({ port })
for await (const line of createInterface({ input: process.stdin })) {
  const next = JSON.parse(line)
  await obey(next)
  say({ done: next })
}
process.exit()
