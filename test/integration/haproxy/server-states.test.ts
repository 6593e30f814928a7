import { createServer, type AddressInfo, type Socket } from 'node:net'
import { once } from 'node:events'
import { describe, expect, it } from 'vitest'
import type { HaproxyDriver } from '../../../src/haproxy/driver.ts'
import { eventually } from '../../support/eventually.ts'
import { ownAddress, startHaproxy } from '../../support/haproxy/start-haproxy.ts'

/** A pod that says some bytes to whoever connects; to an agent's question, too. */
async function startPod(answer: string | undefined) {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {}).on('close', () => sockets.delete(socket))
    if (answer !== undefined) socket.end(Buffer.from(answer, 'latin1'))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    at: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    }
  }
}

const http = (status: string): string => `HTTP/1.1 ${status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`

/** A greeting of MySQL's that is an error: its text is the pod's, up to its end. */
function mysqlError(text: string): string {
  const body = `\xff\x10\x04${text}`
  return `${String.fromCharCode(body.length)}\0\0\0${body}`
}

const config = (
  address: string,
  backends: Readonly<Record<string, readonly string[]>>,
  mode: 'http' | 'tcp' = 'http'
): string => `
userlist operators
  user admin insecure-password s3cret-of-admin
defaults
  mode ${mode}
  timeout connect 1s
  timeout client 10s
  timeout server 10s
  timeout check 300ms
  default-server inter 1s fastinter 100 downinter 100 fall 1 rise 1
frontend proxy
  bind ${address}:8080
  default_backend web
${Object.entries(backends)
  .map(([name, lines]) => [`backend ${name}`, ...lines].join('\n  '))
  .join('\n')}
`

/** `web/one`: its status and what was found. */
async function found(driver: HaproxyDriver): Promise<Record<string, string>> {
  const { proxies } = await driver.status()
  return Object.fromEntries(
    proxies.flatMap(({ name, servers }) =>
      servers.map((server) => [`${name}/${server.name}`, [server.status, server.check].filter(Boolean).join(': ')])
    )
  )
}

/** Waits until a server is so, and shows what it is when it never comes to be. */
async function becomes(driver: HaproxyDriver, wanted: Readonly<Record<string, string>>): Promise<void> {
  await eventually(async () => {
    expect(await found(driver)).toMatchObject(wanted)
    return true
  }, 20_000)
}

describe('what is told of a server', () => {
  it('is why it is down, by each way in which HAProxy finds that out', async () => {
    await using haproxy = await startHaproxy()
    await using well = await startPod(http('200 OK'))
    await using ill = await startPod(http('503 Sorry, "we, are" closed\x1b[31m'))
    await using leaky = await startPod(http('503 no s3cret-of-admin here'))
    await using silent = await startPod(undefined)
    await using failed = await startPod('down #too, "hot"\r\n')
    const { driver } = haproxy
    const nobody = `${ownAddress()}:9`

    await haproxy.apply(
      config(ownAddress(), {
        web: [
          'option httpchk GET /',
          `server up ${well.at} check`,
          `server refused ${nobody} check`,
          `server ill ${ill.at} check`,
          `server leaky ${leaky.at} check`,
          `server silent ${silent.at} check`,
          `server unchecked ${well.at}`,
          `server out ${well.at} check`,
          `server drained ${well.at} check`,
          `server tracks ${nobody} track web/refused`,
          `server tracks-out ${nobody} track web/out`,
          `server agent ${well.at} check agent-check agent-port ${failed.port} agent-inter 100ms`
        ],
        tcp: [
          'mode tcp',
          'option tcp-check',
          'tcp-check connect comment "dial, \\"first\\""',
          `server refused ${nobody} check`
        ]
      })
    )
    await driver.setServerState({ backend: 'web', server: 'out', state: 'maint' })
    await driver.setServerState({ backend: 'web', server: 'drained', state: 'drain' })

    await becomes(driver, {
      'web/up': 'UP: L7OK/200, Layer7 check passed',
      'web/refused': 'DOWN: L4CON, Connection refused',
      'web/ill': 'DOWN: L7STS/503, Sorry, "we, are" closed [31m',
      'web/leaky': 'DOWN: L7STS/503, no *** here',
      'web/silent': 'DOWN: L7TOUT, Layer7 timeout',
      'web/unchecked': 'no check',
      'web/out': 'MAINT',
      'web/drained': 'DRAIN: L7OK/200, Layer7 check passed',
      'web/tracks': 'DOWN: tracks web/refused',
      'web/tracks-out': 'MAINT (via web/out): tracks web/out',
      'web/agent': 'DOWN (agent): agent L7STS, down (too, "hot"); L7OK/200, Layer7 check passed',
      'tcp/refused': `DOWN: L4CON, Connection refused at step 1 of tcp-check (connect) comment: 'dial, "first"'`
    })
    const { proxies } = await driver.status()
    const addresses = proxies.flatMap(({ servers }) => servers.map(({ name, address }) => `${name} ${address}`))
    expect(addresses).toContain(`ill ${ill.at}`)
  })

  it('is nothing of what a pod answers in the form of rows, which stays one text and drains as any other', async () => {
    await using haproxy = await startHaproxy()
    await using forger = await startPod(
      mysqlError('no,\n\nweb,BACKEND,0,0,0,0,,9,9,9,,0,,0,0,0,0,UP\n\nweb,forged,0\n')
    )
    const { driver } = haproxy
    const address = ownAddress()
    const text = (...servers: string[]): string => config(address, { web: ['option mysql-check', ...servers] }, 'tcp')
    await haproxy.apply(text(`server forger ${forger.at} check`, 'server other 127.0.0.1:9'))

    await becomes(driver, {
      'web/forger': 'DOWN: L7STS/1040, no, web,BACKEND,0,0,0,0,,9,9,9,,0,,0,0,0,0,UP web,forged,0',
      'web/other': 'no check'
    })
    const [, web] = (await driver.status()).proxies
    expect(web).toMatchObject({ name: 'web', backend: { totalSessions: 0, usableServers: 1 } })
    expect(web?.servers.map(({ name, address: at }) => `${name} ${at}`)).toEqual([
      `forger ${forger.at}`,
      'other 127.0.0.1:9'
    ])

    // Its sessions are counted by `show stat` until it has none.
    await haproxy.apply(text('server other 127.0.0.1:9'))
    await eventually(
      async () => (await found(driver))['web/forger'] === 'MAINT' || !('web/forger' in (await found(driver)))
    )
    expect(haproxy.lines.map(({ msg }) => msg)).not.toContain('haproxy drifted, reloading')
  })

  it('is since when, the same at each look and over a reload, and anew once its state is another', async () => {
    await using haproxy = await startHaproxy()
    await using well = await startPod('')
    const { driver } = haproxy
    const [address, nobody] = [ownAddress(), ownAddress()]
    const text = (comment: string): string =>
      config(address, {
        web: [`# ${comment}`, 'balance leastconn', `server up ${well.at} check`, `server gone ${nobody}:9 check`]
      })
    const since = async (): Promise<Record<string, string | undefined>> =>
      Object.fromEntries(
        (await driver.status()).proxies.flatMap(({ servers }) => servers.map(({ name, since: at }) => [name, at]))
      )
    const began = Date.now()
    await haproxy.apply(text('first'))
    await becomes(driver, { 'web/up': 'UP: L4OK, Layer4 check passed', 'web/gone': 'DOWN: L4CON, Connection refused' })

    const first = await since()
    for (const at of Object.values(first)) {
      expect(Date.parse(at ?? '')).toBeGreaterThan(began - 2_000)
      expect(Date.parse(at ?? '')).toBeLessThanOrEqual(Date.now())
    }
    const until = Date.now() + 2_500
    while (Date.now() < until) expect(await since()).toEqual(first)

    await haproxy.apply(text('second').replace('leastconn', 'roundrobin'))
    await becomes(driver, { 'web/gone': 'DOWN: L4CON, Connection refused' })
    // Of one that is up the new worker is told nothing, and counts anew.
    expect((await since()).gone).toEqual(first.gone)

    await driver.setServerState({ backend: 'web', server: 'up', state: 'maint' })
    await becomes(driver, { 'web/up': 'MAINT' })
    expect(Date.parse((await since()).up ?? '')).toBeGreaterThan(Date.parse(first.up ?? '') + 1_000)
  })

  it.each([
    ['maint', 'MAINT'],
    ['drain', 'DRAIN']
  ] as const)(
    'is "%s" by hand right after it came, in the same worker, with no word of a surprise',
    async (state, status) => {
      await using haproxy = await startHaproxy()
      const { driver } = haproxy
      const at = ownAddress()
      const lines = ['s1', 's2'].map((name, index) => `server ${name} ${at}:${8001 + index}`)
      await haproxy.apply(config(at, { web: lines.slice(0, 1) }))
      const { workerPid } = await driver.status()

      expect(await haproxy.apply(config(at, { web: lines }))).toMatchObject({ outcome: 'applied', operations: 1 })
      await driver.setServerState({ backend: 'web', server: 's2', state })

      // Past the look that each change is followed by.
      const until = Date.now() + 500
      while (Date.now() < until) expect((await found(driver))['web/s2']).toBe(status)
      expect((await driver.status()).workerPid).toBe(workerPid)
      expect(haproxy.lines.filter(({ level }) => Number(level) >= 50)).toEqual([])
    }
  )

  it('is told while HAProxy loads its files anew, too', async () => {
    await using haproxy = await startHaproxy()
    const { driver } = haproxy
    const at = ownAddress()
    const text = (n: number): string => config(at, { web: [`server s1 ${at}:8001`, `http-response set-header n ${n}`] })
    await haproxy.apply(text(0))

    let done = false
    const reloads = (async () => {
      for (let n = 1; n <= 8; n++) await haproxy.apply(text(n))
    })().finally(() => (done = true))
    let asked = 0
    while (!done) {
      expect(await found(driver)).toEqual({ 'web/s1': 'no check' })
      asked += 1
    }
    await reloads
    expect((await driver.status()).reloads).toBeGreaterThanOrEqual(8)
    expect(asked).toBeGreaterThan(8)
  })
})
