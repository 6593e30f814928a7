import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import type { FastifyInstance } from 'fastify'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { kontrolRoutes } from '../../../src/http/routes/kontrol.ts'
import { buildServer } from '../../../src/http/server.ts'
import { makeAccess } from '../../support/registry/make-access.ts'
import { silentLogger } from '../../support/test-logger.ts'
import { connectRaw } from '../../support/zerorpc/raw-zerorpc.ts'

describe('a write that only this host may do, over a socket on this host', () => {
  let app: FastifyInstance
  let port: number
  let left = 0

  beforeAll(async () => {
    app = buildServer({ logger: silentLogger(), access: makeAccess({}, { names: new Set(['kontrol.example']) }) })
    await app.register(kontrolRoutes, {
      keepalives: { take: () => {}, refused: () => {}, callbackState: () => undefined },
      scripts: { run: async () => '' },
      leave: () => void left++
    })
    await app.listen({ port: 0, host: '127.0.0.1' })
    port = (app.server.address() as AddressInfo).port
  })
  afterAll(() => app.close())
  beforeEach(() => void (left = 0))

  /** @returns the status; 0 where the connection is closed without one */
  async function send(target: string, headers: readonly string[], version = '1.1'): Promise<number> {
    const { socket, received } = await connectRaw(port)
    const lines = [`POST ${target} HTTP/${version}`, ...headers, 'connection: close', 'content-length: 0', '', '']
    socket.write(Buffer.from(lines.join('\r\n').replaceAll('PORT', String(port)), 'latin1'))
    await once(socket, 'close')
    return Number(/^HTTP\/1\.1 (\d+)/.exec(received().toString('latin1'))?.[1] ?? 0)
  }

  it.each<[what: string, target: string, headers: string[], version?: string]>([
    ['an address', '/down', ['Host: 127.0.0.1']],
    ['an address and a port', '/down', ['Host: 127.0.0.1:PORT']],
    ['a bracketed address and a port', '/down', ['Host: [::1]:PORT']],
    ['localhost with a dot', '/down', ['Host: LOCALHOST.:PORT']],
    ['a name of ours', '/down', ['Host: kontrol.example:PORT']],
    ['no Host, as HTTP/1.0 may', '/down', [], '1.0'],
    ['the same host in the target', 'http://127.0.0.1:PORT/down', ['Host: 127.0.0.1:PORT']],
    ['its own page', '/down', ['Host: 127.0.0.1:PORT', 'Origin: http://127.0.0.1:PORT', 'Sec-Fetch-Site: same-origin']]
  ])('is done with %s', async (_what, target, headers, version) => {
    expect(await send(target, headers, version)).toBe(200)
    expect(left).toBe(1)
  })

  it.each<[what: string, target: string, headers: string[], version?: string]>([
    ['two hosts, ours first', '/down', ['Host: 127.0.0.1', 'Host: evil.example']],
    ['two hosts, ours last', '/down', ['Host: evil.example', 'hOST: 127.0.0.1']],
    ['the same host twice', '/down', ['Host: 127.0.0.1', 'Host: 127.0.0.1']],
    ['two hosts in HTTP/1.0', '/down', ['Host: 127.0.0.1', 'Host: evil.example'], '1.0'],
    ['two hosts in one', '/down', ['Host: 127.0.0.1, evil.example']],
    ['no host', '/down', []],
    ['an empty host', '/down', ['Host:']],
    ['a port alone', '/down', ['Host: :PORT']],
    ['a dot', '/down', ['Host: .']],
    ['a user before it', '/down', ['Host: 127.0.0.1@evil.example']],
    ['a user of its own name', '/down', ['Host: evil.example@127.0.0.1']],
    ['a name behind brackets', '/down', ['Host: [::1].evil.example']],
    ['a name in brackets', '/down', ['Host: [evil.example]']],
    ['a host with a path', '/down', ['Host: 127.0.0.1/evil.example']],
    ['a name of numbers', '/down', ['Host: 0x7f.1']],
    ['a name that is escaped', '/down', ['Host: %6cocalhost']],
    ['a name with odd bytes', '/down', ['Host: localhost\xa0']],
    ['a name with a zero', '/down', ['Host: localhost\0evil.example']],
    ['a folded header', '/down', ['Host: evil.example', ' localhost']],
    ['a name of ours that goes on', '/down', ['Host: kontrol.example.evil.example']],
    ['another host in the target', 'http://evil.example/down', ['Host: 127.0.0.1']],
    ['ours in the target, another one beside it', 'http://127.0.0.1/down', ['Host: evil.example']],
    ['another port in the target', 'http://127.0.0.1:1/down', ['Host: 127.0.0.1']],
    ['a user in the target', 'http://127.0.0.1@evil.example/down', ['Host: 127.0.0.1']],
    ['another scheme in the target', 'ftp://127.0.0.1/down', ['Host: 127.0.0.1']],
    ['a target without a path', 'evil.example:80', ['Host: 127.0.0.1']],
    ['a target that begins with two slashes', '//evil.example/down', ['Host: 127.0.0.1']],
    ['a page of another port', '/down', ['Host: 127.0.0.1:PORT', 'Origin: http://127.0.0.1:1']],
    ['a page with a user', '/down', ['Host: 127.0.0.1:PORT', 'Origin: http://a@127.0.0.1:PORT']],
    ['a page that is none', '/down', ['Host: 127.0.0.1:PORT', 'Origin: null']],
    ['two pages', '/down', ['Host: 127.0.0.1:PORT', 'Origin: http://evil.example', 'Origin: http://127.0.0.1:PORT']],
    ['a page of a name that leads here', '/down', ['Host: evil.example', 'Origin: http://evil.example']]
  ])('is refused with %s', async (_what, target, headers, version) => {
    expect([0, 400, 401, 403, 404]).toContain(await send(target, headers, version))
    expect(left).toBe(0)
  })
})
