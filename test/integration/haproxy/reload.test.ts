import { connect } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { exchange } from '../../../src/haproxy/socket/exchange.ts'
import { eventually } from '../../support/eventually.ts'
import { startHttpBackend } from '../../support/haproxy/http-backend.ts'
import { ownAddress, startHaproxy } from '../../support/haproxy/start-haproxy.ts'

describe('A reload', () => {
  it('hands the entries of stick tables to the new worker', async () => {
    await using haproxy = await startHaproxy()
    const address = ownAddress()
    const text = (extra: string): string => `
frontend proxy
  mode http
  bind ${address}:8080
  stick-table type ip size 1k expire 10m store http_req_cnt peers kontrol
  http-request track-sc0 src
  http-request return status 200 ${extra}`
    const say = async (line: string): Promise<string> =>
      await exchange(join(haproxy.dataFolder, 'haproxy/admin.sock'), line)
    await haproxy.driver.configure(text(''))
    await haproxy.driver.restart()
    for (let count = 0; count < 3; count++) await (await fetch(`http://${address}:8080/`)).text()
    expect(await say('show table proxy')).toMatch(/http_req_cnt=3/)

    // A worker looks for a former one first, and teaches the next one only when it has given that up.
    await eventually(async () => (await say('show peers')).includes('resync_timeout=<PAST>'), 20_000)
    await haproxy.driver.configure(text('content-type text/plain string hello'))
    await haproxy.driver.restart()

    await eventually(async () => (await say('show table proxy')).includes('http_req_cnt=3'))
  })

  it('lists workers that still have connections, and warns when they are many', async () => {
    await using haproxy = await startHaproxy()
    await using web = await startHttpBackend('hello')
    const address = ownAddress()
    const sockets = []
    for (let round = 0; round < 7; round++) {
      await haproxy.driver.configure(
        `frontend proxy\n  bind ${address}:8080\n  maxconn ${100 + round}\n  default_backend web\nbackend web\n  server one ${web.host}:${web.port}\n`
      )
      await haproxy.driver.restart()
      const socket = connect(8080, address)
      // Its worker goes with HAProxy at the end of the test.
      socket.on('error', () => {})
      sockets.push(socket)
      await eventually(
        async () =>
          (await haproxy.driver.status()).proxies.find(({ name }) => name === 'proxy')?.frontend?.sessions === 1
      )
    }

    const { oldWorkers } = await haproxy.driver.status()

    expect(oldWorkers).toHaveLength(6)
    expect(oldWorkers.map(({ connections }) => connections)).not.toContain(0)
    expect(haproxy.lines.some(({ msg }) => msg === 'many old haproxy workers still have connections')).toBe(true)
    for (const socket of sockets) socket.destroy()
  })
})
