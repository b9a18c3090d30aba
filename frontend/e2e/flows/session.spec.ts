import { expect, test } from '../test'
import { signInByHand } from '../world'

test('a reload keeps you signed in, a sign-out does not', async ({
  world,
  driver,
  page,
  context,
}) => {
  await world.signIn(context, driver)
  await page.goto('/account')
  await expect(page.getByLabel('Name')).toHaveValue(driver.name)
  await page.reload()
  await expect(page.getByLabel('Name')).toHaveValue(driver.name)
  await page.getByRole('button', { name: 'Sign out', exact: true }).click()
  await expect(page.getByRole('link', { name: 'Sign in' })).toBeVisible()
  await page.goto('/account')
  await expect(page.getByRole('heading', { name: 'Sign in' })).toBeVisible()
})

test('signing out in one tab signs out the others', async ({ world, driver, page, context }) => {
  await world.signIn(context, driver)
  await page.goto('/history')
  const other = await context.newPage()
  await other.goto('/account')
  await expect(page.getByText('No parking yet')).toBeVisible()
  await other.getByRole('button', { name: 'Sign out', exact: true }).click()
  await expect(page.getByRole('heading', { name: 'Sign in' })).toBeVisible()
  await expect(page.getByText('You signed out in another tab.')).toBeVisible()

  await signInByHand(page, driver)
  await expect(page).toHaveURL('/history')
  await expect(other.getByRole('link', { name: /Account of/ })).toBeVisible()
})

test('an expired token is renewed unnoticed', async ({ world, driver, page, context }) => {
  await world.signIn(context, driver)
  await page.goto('/')
  await expect(page.getByRole('link', { name: /Account of/ })).toBeVisible()
  let refreshes = 0
  page.on('request', (request) => {
    if (request.url().endsWith('/api/auth/refresh')) refreshes += 1
  })
  await page.route(
    '**/api/reports',
    (route) =>
      route.fulfill({
        status: 401,
        contentType: 'application/problem+json',
        json: { code: 'invalid_token', status: 401 },
      }),
    { times: 1 },
  )
  await page.getByRole('link', { name: 'Reports' }).click()
  await expect(page.getByText('No report yet')).toBeVisible()
  expect(refreshes).toBe(1)
})

test('a session that ended half-way asks for a sign-in and comes back', async ({
  world,
  driver,
  page,
  context,
}) => {
  await world.signIn(context, driver)
  await page.goto('/')
  await expect(page.getByRole('link', { name: /Account of/ })).toBeVisible()
  await context.clearCookies()
  await page.route(
    '**/api/bookings?**',
    (route) =>
      route.fulfill({
        status: 401,
        contentType: 'application/problem+json',
        json: { code: 'invalid_token', status: 401 },
      }),
    { times: 1 },
  )
  await page.getByRole('link', { name: 'History' }).first().click()
  await expect(page.getByRole('heading', { name: 'Sign in' })).toBeVisible()
  await expect(page.getByText('Your session has ended.')).toBeVisible()
  await signInByHand(page, driver)
  await expect(page).toHaveURL('/history')
  await expect(page.getByText('No parking yet')).toBeVisible()
})

test('a session that ends in the middle of a form keeps what was typed, but no password', async ({
  world,
  driver,
  page,
  context,
}) => {
  await world.signIn(context, driver)
  await page.goto('/account')
  const profile = page.getByRole('region', { name: 'Profile' })
  await profile.getByLabel('Email').fill('new-address@example.com')
  await profile.getByLabel('Current password').fill('half a passw')
  await page.getByRole('button', { name: 'Add vehicle' }).click()
  const form = page.getByRole('dialog')
  await form.getByLabel('Number plate').fill('MH 12 AB 1234')
  await form.getByLabel('Name').fill('The blue one')
  // From another device.
  await world.call(driver, 'DELETE', '/api/me/sessions')
  await form.getByRole('button', { name: 'Add vehicle' }).click()

  await expect(page.getByText('Your session has ended.')).toBeVisible()
  await expect(page.getByText('What you typed is kept.')).toBeVisible()
  await signInByHand(page, driver)
  await expect(page).toHaveURL('/account')
  await expect(form.getByLabel('Number plate')).toHaveValue('MH 12 AB 1234')
  await form.getByRole('button', { name: 'Add vehicle' }).click()
  await expect(page.getByRole('listitem').filter({ hasText: 'The blue one' })).toBeVisible()
  await expect(profile.getByLabel('Email')).toHaveValue('new-address@example.com')
  await expect(profile.getByLabel('Current password')).toHaveValue('')
})

test('a deep link leads through the sign-in to its page', async ({ world, driver, page }) => {
  const lot = await world.lot()
  const closed = await world.release(driver, await world.park(driver, lot))
  await page.goto(`/history/${closed.id}`)
  await signInByHand(page, driver)
  await expect(page).toHaveURL(`/history/${closed.id}`)
  await expect(page.getByText(closed.reference)).toBeVisible()
})

test('pages of operators do not exist for drivers, unknown ones for nobody', async ({
  world,
  driver,
  page,
  context,
}) => {
  await world.signIn(context, driver)
  for (const path of ['/admin/lots', '/admin/users', '/no/such/page']) {
    await page.goto(path)
    await expect(page.getByRole('heading', { name: 'Page not found' })).toBeVisible()
  }
  await page.goto('/lots/019ab000-0000-7000-8000-000000000000')
  await expect(page.getByText('This lot is not here')).toBeVisible()
})

test('a foreign address is no way back', async ({ driver, page }) => {
  await page.goto('/sign-in?next=//evil.example/')
  await signInByHand(page, driver)
  await expect(page).toHaveURL('/')
})

test('name, address and password are changed', async ({ world, page, context }) => {
  const user = await world.driver()
  await world.signIn(context, user)
  await page.goto('/account')
  const profile = page.getByRole('region', { name: 'Profile' })
  await page.getByLabel('Name').fill('Ravi D.')
  await profile.getByRole('button', { name: 'Save' }).click()
  await expect(page.getByText('Your profile is saved.')).toBeVisible()
  await expect(page.getByRole('link', { name: 'Account of Ravi D.' })).toBeVisible()

  const email = `new-${user.email}`
  await profile.getByLabel('Email').fill(email)
  await profile.getByLabel('Current password').fill('wrong password')
  await profile.getByRole('button', { name: 'Save' }).click()
  await expect(profile.getByText('This is not your current password.')).toBeVisible()
  await profile.getByLabel('Current password').fill(user.password)
  await profile.getByRole('button', { name: 'Save' }).click()
  await expect(profile.getByLabel('Current password')).toBeHidden()

  const password = page.getByRole('region', { name: 'Password' })
  await password.getByLabel('Current password').fill(user.password)
  await password.getByLabel('New password').fill('ten green bottles')
  await password.getByRole('button', { name: 'Change password' }).click()
  await expect(page.getByText('Your password is changed.')).toBeVisible()
  await page.getByRole('button', { name: 'Sign out', exact: true }).click()
  await page.getByRole('link', { name: 'Sign in' }).click()
  await signInByHand(page, { ...user, email, password: 'ten green bottles' })
  await expect(page.getByRole('link', { name: 'Account of Ravi D.' })).toBeVisible()
})

test('an account is deleted, but not while it is parked', async ({ world, page, context }) => {
  const user = await world.driver()
  const booking = await world.park(user, await world.lot())
  await world.signIn(context, user)
  await page.goto('/account')
  await page.getByRole('button', { name: 'Delete account' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('Current password').fill(user.password)
  await dialog.getByRole('button', { name: 'Delete for good' }).click()
  await expect(dialog.getByRole('alert')).toContainText('You are still parked.')
  await world.release(user, booking)
  await dialog.getByRole('button', { name: 'Delete for good' }).click()
  await expect(page.getByText('Your account is deleted.')).toBeVisible()
  await expect(page.getByRole('link', { name: 'Sign in' })).toBeVisible()
})
