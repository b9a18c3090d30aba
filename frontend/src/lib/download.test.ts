import { describe, expect, it, vi } from 'vitest'
import { download, fileName } from './download'

const named = (header: string) => fileName(new Headers({ 'Content-Disposition': header }))

it('a file is called as the server says, and lies in no other folder', () => {
  expect(named('attachment; filename="bookings-2026-11-22.csv"')).toBe('bookings-2026-11-22.csv')
  expect(named('attachment; filename="../../etc/passwd"')).toBe('passwd')
  expect(named('attachment')).toBe('download')
  expect(fileName(new Headers())).toBe('download')
})

describe('a download', () => {
  const click = () => vi.spyOn(HTMLAnchorElement.prototype, 'click').mockImplementation(() => null)

  it('saves what came', async () => {
    const clicked = click()
    const headers = { 'Content-Disposition': 'attachment; filename="a.csv"' }
    const response = new Response(null, { headers })
    await download(Promise.resolve({ data: new Blob(['x']), response }))
    expect((clicked.mock.instances[0] as HTMLAnchorElement).download).toBe('a.csv')
  })

  it('saves nothing when it is refused', async () => {
    const clicked = click()
    const response = new Response(null, { status: 404 })
    const refused = download(Promise.resolve({ error: { code: 'not_found' }, response }))
    await expect(refused).rejects.toMatchObject({ code: 'not_found' })
    expect(clicked).not.toHaveBeenCalled()
  })
})
