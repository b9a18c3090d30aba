import { test as base, expect } from '@playwright/test'
import { startServer, type Server } from './server'
import { PASSWORD, World, type Account } from './world'

interface WorkerFixtures {
  server: Server
  world: World
}
interface TestFixtures {
  driver: Account
}

// A password, or how an access token begins (RFC 7519).
const SECRET = new RegExp(`${PASSWORD.replaceAll(' ', '(%20|\\+)')}|eyJ`)

/** One server per worker, its admin already claimed; each test brings its own lots and people. */
export const test = base.extend<TestFixtures, WorkerFixtures>({
  server: [
    async ({}, use) => {
      const server = await startServer()
      await use(server)
      await server.stop()
    },
    { scope: 'worker' },
  ],
  world: [
    async ({ server }, use) => {
      const world = await World.claim(server)
      await use(world)
      await world.close()
    },
    { scope: 'worker' },
  ],
  // Whatever a story does, no address has a secret in it: addresses stand in logs and histories.
  context: async ({ context }, use) => {
    const addresses: string[] = []
    context.on('request', (request) => addresses.push(request.url()))
    await use(context)
    expect(addresses.filter((address) => SECRET.test(address))).toEqual([])
  },
  baseURL: async ({ server }, use) => use(server.url),
  driver: async ({ world }, use) => use(await world.driver()),
})

export { expect }
