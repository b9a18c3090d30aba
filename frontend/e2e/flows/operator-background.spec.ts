import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { startServer } from '../server'
import { expect, test } from '../test'
import { unique, World } from '../world'

test.use({ viewport: { width: 1_440, height: 900 } })

const signInAsAdmin = test.extend<{ signedIn: undefined }>({
  signedIn: [
    async ({ world, context }, use) => {
      await world.signIn(context, world.admin)
      await use(undefined)
    },
    { auto: true },
  ],
})

signInAsAdmin('the welcome mail of a new driver is found and read', async ({ world, page }) => {
  const name = `Meera ${unique()}`
  const driver = await world.driver(name)
  await page.goto('/admin/mails')
  await expect(page.getByRole('heading', { name: 'No mail server is set' })).toBeVisible()
  const row = page.getByRole('row').filter({ hasText: driver.email })
  await expect(row).toContainText('Account')
  await expect(row).toContainText('Done', { timeout: 20_000 })
  await row.getByRole('link', { name: 'Welcome to Parking' }).click()

  await expect(page.getByRole('heading', { level: 1, name: 'Welcome to Parking' })).toBeFocused()
  const title = 'Content of the mail: Welcome to Parking'
  const mail = page.frameLocator(`iframe[title="${title}"]`)
  await expect(mail.getByText(`Hello ${name},`)).toBeVisible()
  // A link leads nowhere: not in the frame, not in a new tab.
  const before = page.context().pages().length
  await mail.getByRole('link', { name: 'Find a spot' }).click()
  await expect(mail.getByText(`Hello ${name},`)).toBeVisible()
  expect(page.context().pages()).toHaveLength(before)

  await page.getByLabel('Plain text').check()
  await expect(page.getByTitle(title)).toBeHidden()
  await expect(page.getByText(`Hello ${name},`)).toBeVisible()

  await page.goto('/admin/mails')
  await page.getByLabel('Status').selectOption('failed')
  await expect(page).toHaveURL('/admin/mails?status=failed')
  await expect(page.getByText('No mail matches these filters.')).toBeVisible()
  await page.goto('/admin/mails/01900000-0000-7000-8000-000000000000')
  await expect(page.getByText('This mail is not here')).toBeVisible()
})

/** Says no to every recipient until it is told to accept. */
async function refusingMailServer() {
  const child = spawn(process.execPath, [
    join(import.meta.dirname, '../../scripts/mail-server.mjs'),
  ])
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const heard = async () => JSON.parse((await lines.next()).value as string) as { port?: number }
  const { port = 0 } = await heard()
  const tell = async (order: object) => {
    child.stdin.write(`${JSON.stringify(order)}\n`)
    while (!('done' in (await heard())));
  }
  await tell({ mode: 'refuse', code: 550, at: 'rcpt' })
  return {
    port,
    accept: () => tell({ mode: 'accept' }),
    stop: async () => {
      child.stdin.end()
      await once(child, 'exit')
    },
  }
}

test('a refused mail is told beside its user, and tried again', async ({ browser }) => {
  const post = await refusingMailServer()
  const server = await startServer({ SMTP_URL: `smtp://127.0.0.1:${post.port}` })
  const world = await World.claim(server)
  const driver = await world.driver('Farhan Shaikh')
  const context = await browser.newContext({ baseURL: server.url })
  await world.signIn(context, world.admin)
  const page = await context.newPage()

  await page.goto('/admin/mails')
  await expect(page.getByText(`Goes out by 127.0.0.1:${post.port}`)).toBeVisible()
  const row = page.getByRole('row').filter({ hasText: driver.email })
  await expect(row).toContainText('Failed', { timeout: 30_000 })
  await expect(row).toContainText('refused as told')

  await page.goto('/admin/users')
  const user = page.getByRole('row').filter({ hasText: driver.email })
  await expect(user).toContainText('refused as told')
  await user.getByRole('link', { name: 'Mail refused: the mails to Farhan Shaikh' }).click()
  await expect(page).toHaveURL(`/admin/mails?user=${driver.id}`)
  await expect(page.getByRole('row')).toHaveCount(2)

  await post.accept()
  await row.getByRole('button', { name: 'Try again: Welcome to Parking' }).click()
  await expect(page.getByText('“Welcome to Parking” is sent again.')).toBeVisible()
  await expect(row).toContainText('Done', { timeout: 30_000 })
  await page.goto('/admin/users')
  await expect(user).toBeVisible()
  await expect(user).not.toContainText('Mail refused')

  await context.close()
  await world.close()
  await server.stop()
  await post.stop()
})

test('the first report says when it comes; made by hand, it is read and saved', async ({
  browser,
}) => {
  const server = await startServer()
  const world = await World.claim(server)
  const lot = await world.lot({ name: 'Lakeside Mall' })
  const context = await browser.newContext({ baseURL: server.url })
  await world.signIn(context, world.admin)
  const page = await context.newPage()

  await page.goto('/admin/reports')
  await expect(page.getByText('No report yet')).toBeVisible()
  await expect(page.getByText(/^The first is made 1 .* 1:00 am\./)).toBeVisible()
  await page.getByRole('link', { name: 'Open the schedule' }).click()
  await page.getByRole('button', { name: 'Run now: Monthly reports' }).click()
  const task = page.getByRole('list', { name: 'Tasks' }).getByRole('listitem')
  await expect(task.filter({ hasText: /Monthly reports.*Done/ })).toContainText('reports: 0')

  await page.getByRole('link', { name: 'Reports' }).click()
  await page.getByRole('main').getByRole('link', { name: /Made/ }).click()
  await expect(page.getByRole('heading', { level: 1, name: /^Report of / })).toBeVisible()
  await expect(page.getByRole('row').filter({ hasText: lot.name })).toContainText('0%')
  await expect(page.getByText('Nobody parked').first()).toBeVisible()

  const saving = page.waitForEvent('download')
  await page.getByRole('button', { name: 'PDF' }).click()
  const file = await saving
  expect(file.suggestedFilename()).toMatch(/^parking-operations-\d{4}-\d{2}\.pdf$/)
  expect((await readFile(await file.path())).subarray(0, 4).toString()).toBe('%PDF')

  await page.goto('/admin/reports/1999-01')
  await expect(page.getByText('There is no report of this month')).toBeVisible()
  await context.close()
  await world.close()
  await server.stop()
})

signInAsAdmin(
  'bookings are exported by the filters that are set',
  async ({ world, driver, page, baseURL }) => {
    const [lot, other] = [await world.lot(), await world.lot()]
    await world.park(driver, lot)
    await world.park(driver, other)
    await page.goto(`/admin/bookings?lot=${lot.id}&from=2026-01-01&status=open`)
    await expect(page.getByText('not status and plate')).toBeVisible()

    await page.route('**/api/admin/exports', (route) =>
      route.fulfill({
        status: 409,
        contentType: 'application/problem+json',
        json: { code: 'too_many_exports', status: 409, title: 'Conflict' },
      }),
    )
    await page.getByRole('button', { name: 'Export CSV' }).click()
    await expect(page.getByText('Ten of your exports are still being written.')).toBeVisible()
    await page.unroute('**/api/admin/exports')

    const answer = page.waitForResponse('**/api/admin/exports')
    await page.getByRole('button', { name: 'Export CSV' }).click()
    const { task_id } = (await (await answer).json()) as { task_id: string }
    await expect(page).toHaveURL((url) => url.pathname === `/exports/${task_id}`)

    const headers = { Authorization: `Bearer ${world.admin.token}` }
    const file = () => page.request.get(`${baseURL}/api/exports/${task_id}`, { headers })
    await expect(async () => expect((await file()).status()).toBe(200)).toPass()
    const csv = await (await file()).text()
    expect(csv).toContain(lot.name)
    expect(csv).not.toContain(other.name)
  },
)
