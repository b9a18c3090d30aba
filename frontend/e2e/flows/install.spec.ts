import type { Page } from '@playwright/test'
import { startProxy } from '../proxy'
import { expect, test } from '../test'

test.use({ serviceWorkers: 'allow' })

/** The service worker has all that it keeps, and stands between the page and the network. */
async function ready(page: Page): Promise<void> {
  await page.waitForFunction(async () => {
    await navigator.serviceWorker.ready
    return navigator.serviceWorker.controller !== null
  })
}

test('a browser may install it: the manifest and its icons are right', async ({
  page,
  context,
}) => {
  await page.goto('/')
  await ready(page)
  const devtools = await context.newCDPSession(page)
  const { errors, data } = await devtools.send('Page.getAppManifest')
  expect(errors).toEqual([])
  const manifest = JSON.parse(data ?? '{}') as { icons: { src: string; sizes: string }[] }
  for (const { src, sizes } of manifest.icons) {
    const size = await page.evaluate(async (url) => {
      const image = new Image()
      image.src = url
      await image.decode()
      return `${image.naturalWidth}x${image.naturalHeight}`
    }, src)
    expect(size).toBe(sizes)
  }
  const { installabilityErrors } = await devtools.send('Page.getInstallabilityErrors')
  // Every window of these tests is a private one.
  expect(installabilityErrors.filter(({ errorId }) => errorId !== 'in-incognito')).toEqual([])
})

test('it opens without a network, also deep inside, and keeps no answer of the API', async ({
  page,
  context,
  world,
  driver,
}) => {
  const lot = await world.lot()
  await world.signIn(context, driver)
  await page.goto('/')
  await ready(page)
  await page.goto('/account')
  await expect(page.getByLabel('Name')).toHaveValue(driver.name)
  await page.goto(`/lots/${lot.id}`)
  await expect(page.getByRole('gridcell').first()).toBeVisible()

  await context.setOffline(true)
  await page.goto('/')
  await expect(page.getByRole('heading', { name: 'Where are you parking?' })).toBeVisible()
  await page.goto(`/lots/${lot.id}`)
  await expect(page.getByRole('link', { name: 'All lots' })).toBeVisible()
  const kept = await page.evaluate(async () => {
    const names = await caches.keys()
    const requests = await Promise.all(
      names.map(async (name) => (await caches.open(name)).keys().then((keys) => [...keys])),
    )
    return requests.flat().map(({ url }) => new URL(url).pathname)
  })
  expect(kept).toContain('/')
  expect(kept.filter((path) => !/^\/(?:assets\/|early|favicon|manifest|$)/.test(path))).toEqual([])
})

test('what the first visit has used is there at the next one, the language too', async ({
  browser,
  baseURL,
}) => {
  const context = await browser.newContext({ baseURL, locale: 'hi-IN', serviceWorkers: 'allow' })
  const page = await context.newPage()
  await page.goto('/')
  await ready(page)
  const kept = () =>
    page.evaluate(async () => {
      const keys = await (await caches.open('parking-assets')).keys()
      return keys.some(({ url }) => /\/hi-/.test(url))
    })
  await expect.poll(kept).toBe(true)
  await context.setOffline(true)
  await page.reload()
  await expect(page.getByRole('heading', { name: 'कहाँ पार्क करना है?' })).toBeVisible()
  await context.close()
})

test('a page whose code was never fetched says that it needs the network', async ({
  page,
  context,
  world,
}) => {
  const lot = await world.lot()
  await page.goto('/')
  await ready(page)
  await context.setOffline(true)
  // Opened from elsewhere there is nothing to stay on.
  await page.goto(`/lots/${lot.id}`)
  await expect(page.getByText('This page is not on your device yet.')).toBeVisible()
  await expect(page.getByRole('heading', { name: 'Where are you parking?' })).toBeVisible()
  await page.getByRole('button', { name: 'Dismiss' }).click()
  await page.getByRole('link', { name: 'Sign in' }).click()
  await expect(page.getByText('This page is not on your device yet.')).toBeVisible()
  await context.setOffline(false)
  await page.getByRole('link', { name: 'Sign in' }).click()
  await expect(page.getByRole('heading', { name: 'Sign in' })).toBeVisible()
})

test('a new version is offered, and taken when the reader wants it', async ({ page, server }) => {
  const proxy = await startProxy(server)
  await page.goto(`${proxy.url}/`)
  await ready(page)
  proxy.edit = (path, text) => {
    if (path === '/sw.js') return text.replace(/parking-shell-/, 'parking-shell-new-')
    return path === '/' ? text.replace('<html lang="en">', '<html lang="en" data-new>') : text
  }
  await page.reload()
  await expect(page.getByText('A new version is there.')).toBeVisible()
  await expect(page.locator('html')).not.toHaveAttribute('data-new')
  await page.getByRole('button', { name: 'Reload' }).click()
  await expect(page.locator('html')).toHaveAttribute('data-new')
  await expect(page.getByText('A new version is there.')).toBeHidden()
  const shells = await page.evaluate(async () =>
    (await caches.keys()).filter((name) => name.includes('shell')),
  )
  expect(shells).toEqual([expect.stringContaining('parking-shell-new-')])
  await proxy.stop()
})

test('a page whose code went with an update is there after all', async ({ page, server }) => {
  const proxy = await startProxy(server)
  await page.goto(`${proxy.url}/`)
  await ready(page)
  // The new build calls all of its files otherwise, and the old ones are gone.
  proxy.edit = (_, text) => text.replace(/(assets\/|\.\/)([\w.-]+)\.js/g, '$1$2.new.js')
  proxy.answer = (request, response) => {
    const { url = '' } = request
    if (!url.startsWith('/assets/') || !url.endsWith('.js')) return false
    if (!url.endsWith('.new.js')) response.writeHead(404).end()
    request.url = url.replace('.new.js', '.js')
    return !url.endsWith('.new.js')
  }
  await page.getByRole('link', { name: 'Sign in' }).click()
  await expect(page.getByRole('heading', { name: 'Sign in' })).toBeVisible()
  await proxy.stop()
})

test('the header of a page that the worker keeps is the newest', async ({ page, server }) => {
  const proxy = await startProxy(server)
  await page.goto(`${proxy.url}/`)
  await ready(page)
  await page.goto(`${proxy.url}/`)
  const policy = () =>
    page.evaluate(async () => {
      const names = await caches.keys()
      const shell = await caches.open(names.find((name) => name.includes('shell')) ?? '')
      return (await shell.match('/'))?.headers.get('x-flow')
    })
  expect(await policy()).toBeNull()
  proxy.answer = (_, response) => {
    response.setHeader('x-flow', 'changed')
    return false
  }
  await page.goto(`${proxy.url}/`)
  await expect.poll(policy).toBe('changed')
  await proxy.stop()
})

test('the account offers to install, if the browser does', async ({
  page,
  context,
  world,
  driver,
}) => {
  await world.signIn(context, driver)
  await page.goto('/account')
  await expect(page.getByLabel('Name')).toBeVisible()
  const card = page.getByRole('region', { name: 'Install Parking' })
  await expect(card).toBeHidden()
  await page.evaluate(() => {
    const event = Object.assign(new Event('beforeinstallprompt', { cancelable: true }), {
      prompt: () => Promise.resolve(),
      userChoice: Promise.resolve({ outcome: 'accepted' }),
    })
    window.dispatchEvent(event)
  })
  await card.getByRole('button', { name: 'Install' }).click()
  await expect(page.getByText('Parking is installed.')).toBeVisible()
  await expect(card).toBeHidden()
})
