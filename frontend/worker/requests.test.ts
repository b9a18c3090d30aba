import { describe, expect, it } from 'vitest'
import { answeredBy } from './requests'

const HERE = 'https://parking.example'
const ask = (path: string, mode = 'cors', method = 'GET') =>
  answeredBy({ method, mode, url: new URL(path, HERE).href }, HERE, ['/', '/early.js'])

describe('the service worker', () => {
  it('answers every page with the shell', () => {
    expect(ask('/', 'navigate')).toBe('page')
    expect(ask('/lots/1?park=1', 'navigate')).toBe('page')
    expect(ask('/no/such/page', 'navigate')).toBe('page')
  })

  it('keeps files of the build and of the shell', () => {
    expect(ask('/assets/index-1.js')).toBe('asset')
    expect(ask('/early.js')).toBe('shell')
    expect(ask('/robots.txt')).toBeNull()
  })

  it('never comes between the application and the server', () => {
    for (const path of ['/api/me', '/api/events', '/api/lots?q=a', '/health/ready', '/metrics']) {
      expect(ask(path), path).toBeNull()
    }
    expect(ask('/api/docs/', 'navigate')).toBeNull()
    expect(ask('/', 'cors', 'POST')).toBeNull()
    expect(ask('https://tiles.example/assets/1.png')).toBeNull()
  })
})
