import { test as base, expect } from '@playwright/test'
import { startServer, type Server } from './server'
import { World, type Account } from './world'

interface WorkerFixtures {
  server: Server
  world: World
}
interface TestFixtures {
  driver: Account
}

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
  baseURL: async ({ server }, use) => use(server.url),
  driver: async ({ world }, use) => use(await world.driver()),
})

export { expect }
