import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { BackendEvent } from '../../../src/haproxy/backends.ts'
import { exchange } from '../../../src/haproxy/socket/exchange.ts'
import { eventually } from '../../support/eventually.ts'
import { startHttpBackend, type HttpBackend } from '../../support/haproxy/http-backend.ts'
import { ownAddress, startHaproxy } from '../../support/haproxy/start-haproxy.ts'

const text = (address: string, backends: Readonly<Record<string, readonly string[]>>): string => `
defaults
  mode http
  timeout connect 1s
  timeout client 10s
  timeout server 10s
  default-server inter 100 fall 1 rise 1
frontend proxy
  bind ${address}:8080
  use_backend api if { path_beg /api }
  use_backend moved if { path_beg /old }
  default_backend web
backend moved
  http-request redirect location /
backend table
  stick-table type ip size 1k expire 1m
listen numbers
  bind ${address}:8081
  stats enable
${Object.entries(backends)
  .map(([name, lines]) => [`backend ${name}`, ...lines].join('\n  '))
  .join('\n')}
`

const server = ({ host, port }: HttpBackend): string => `server s1 ${host}:${port} check`

describe('backends without a server that takes requests', () => {
  it('are found by name when their pods go, are down, or were taken out, and until then only', async () => {
    await using haproxy = await startHaproxy()
    await using one = await startHttpBackend('one')
    const { driver } = haproxy
    const events: BackendEvent[] = []
    driver.subscribeBackends((event) => events.push(event))
    const address = ownAddress()
    const names = async (...wanted: string[]): Promise<void> => {
      await eventually(() => driver.unusableBackends().join() === wanted.join())
    }

    await haproxy.apply(text(address, { web: [server(one)], api: [server(one)] }))
    await names()
    expect(driver.findings()).toEqual([])

    await haproxy.apply(text(address, { web: [server(one)], api: [] }))
    await names('api')
    expect(driver.findings()).toMatchObject([
      { code: 'KTL_HAPROXY_BACKEND_DOWN', message: 'The backend api has no server that takes requests' }
    ])
    expect(driver.problems()).toEqual([])

    await exchange(join(haproxy.dataFolder, 'haproxy/admin.sock'), 'set server web/s1 state maint')
    await names('api', 'web')
    await exchange(join(haproxy.dataFolder, 'haproxy/admin.sock'), 'set server web/s1 state ready')
    await haproxy.apply(text(address, { web: [server(one)], api: [server(one)] }))
    await names()

    await haproxy.apply(text(address, { web: ['server s1 127.0.0.1:1 check'], api: [server(one)] }))
    await names('web')
    const of = (name: string) => events.filter(({ backend }) => backend === name).map(({ usable }) => usable)
    expect(of('api')).toEqual([false, true])
    expect(of('web')).toEqual([false, true, false])
    expect(events).toHaveLength(5)
  })
})
