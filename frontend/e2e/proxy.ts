// Stands between the browser and a server, and can change what the server says, or be gone.
import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Server } from './server'

export interface Proxy {
  url: string
  /** Answers by itself, or leaves it to the server (false). */
  answer: (request: IncomingMessage, response: ServerResponse) => boolean
  /** Changes the text of a file on its way. */
  edit: (path: string, text: string) => string
  stop(): Promise<void>
}

export async function startProxy({ url }: Server): Promise<Proxy> {
  const { hostname, port } = new URL(url)
  const server = createServer((incoming, outgoing) => {
    if (proxy.answer(incoming, outgoing)) return
    const path = incoming.url ?? '/'
    const editable = !path.startsWith('/api/')
    // Unpacked, and whole: what is edited must be there.
    const { 'if-none-match': etag, 'accept-encoding': encoding, ...headers } = incoming.headers
    const passed = editable
      ? headers
      : { ...headers, 'if-none-match': etag, 'accept-encoding': encoding }
    const asked = request(
      {
        hostname,
        port,
        path,
        method: incoming.method,
        headers: Object.fromEntries(Object.entries(passed).filter(([, value]) => value)),
      },
      (answer) => {
        if (!editable || !/html|javascript/.test(answer.headers['content-type'] ?? '')) {
          outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
          answer.pipe(outgoing)
          return
        }
        const parts: Buffer[] = []
        answer.on('data', (part: Buffer) => parts.push(part))
        answer.on('end', () => {
          const text = proxy.edit(path, Buffer.concat(parts).toString())
          delete answer.headers['content-length']
          delete answer.headers.etag
          outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
          outgoing.end(text)
        })
      },
    )
    asked.on('error', () => outgoing.destroy())
    outgoing.on('close', () => asked.destroy())
    incoming.pipe(asked)
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const proxy: Proxy = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    answer: () => false,
    edit: (_, text) => text,
    async stop() {
      server.closeAllConnections()
      await new Promise((done) => server.close(done))
    },
  }
  return proxy
}
