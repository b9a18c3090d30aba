import { defineConfig } from '@playwright/test'

export default defineConfig({
  outputDir: 'test-results',
  fullyParallel: true,
  forbidOnly: true,
  retries: 0,
  workers: 2,
  // axe looks at a page eight times, on a machine that may be busy.
  timeout: 120_000,
  expect: { timeout: 10_000 },
  reporter: 'list',
  use: {
    locale: 'en-IN',
    timezoneId: 'Asia/Kolkata',
    // What it keeps would hide requests from the flows; those about it let it in.
    serviceWorkers: 'block',
    actionTimeout: 10_000,
    // A trace of each step takes a quarter of the time: `npx playwright test --trace on` where one is wanted.
    screenshot: 'only-on-failure',
    launchOptions: {
      executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    },
  },
  projects: [
    { name: 'flows', testDir: 'e2e/flows' },
    { name: 'screens', testDir: 'e2e/screens' },
  ],
})
