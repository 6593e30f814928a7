import { once } from 'node:events'
import { createServer } from 'node:http'
import { createServer as createSocketServer, type AddressInfo } from 'node:net'
import { describe, expect, it } from 'vitest'
import { parseCheck, runCheck } from '../../../src/slave/check.ts'
import { freePort } from '../../support/free-port.ts'

describe('a check', () => {
  it.each([
    'http://127.0.0.1:80/health',
    'https://localhost/',
    'tcp://db.example.com:5432',
    'tcp://[::1]:80',
    'exec: true'
  ])('may be %s', (raw) => {
    expect(() => parseCheck(raw)).not.toThrow()
  })

  it.each(['', 'localhost:80', 'tcp://localhost', 'tcp://localhost:80/path', 'ftp://x', 'exec:', 'exec: '])(
    'may not be "%s"',
    (raw) => {
      expect(() => parseCheck(raw)).toThrow('must be http://…')
    }
  )

  it('by HTTP goes well below 400, whatever the length of the answer', async () => {
    const server = createServer((request, response) => {
      const status = Number(request.url?.slice(1))
      if (status === 0) return
      response.writeHead(status)
      // A body that never ends.
      response.write('x')
    })
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

    expect(await runCheck(parseCheck(`${url}/200`), 5000)).toBeUndefined()
    expect(await runCheck(parseCheck(`${url}/302`), 5000)).toBeUndefined()
    expect(await runCheck(parseCheck(`${url}/500`), 5000)).toBe('answered 500')
    expect(await runCheck(parseCheck(`${url}/0`), 200)).toBe('no answer within 200 ms')
    server.closeAllConnections()
    server.close()
  })

  it('by TCP goes well when the connection is taken', async () => {
    const server = createSocketServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo

    expect(await runCheck(parseCheck(`tcp://127.0.0.1:${port}`), 5000)).toBeUndefined()
    expect(await runCheck(parseCheck(`tcp://127.0.0.1:${await freePort()}`), 5000)).toContain('ECONNREFUSED')
    server.close()
  })

  it('by a command goes well when that ends with 0, in time', async () => {
    expect(await runCheck(parseCheck('exec:test -d /'), 5000)).toBeUndefined()
    expect(await runCheck(parseCheck('exec:echo broken >&2; exit 3'), 5000)).toBe('ended with 3: broken')
    expect(await runCheck(parseCheck('exec:sleep 60'), 200)).toBe('took longer than 200 ms')
  })
})
