import { once } from 'node:events'
import { createServer, type Server } from 'node:net'
import { describe, expect, it, vi } from 'vitest'
import { webProxy } from '../../../support/haproxy/sample-template.ts'
import { ask } from '../../../support/haproxy/ask.ts'
import { eventually } from '../../../support/eventually.ts'
import { startHttpBackend } from '../../../support/haproxy/http-backend.ts'
import { ownAddress, ownPort, startHaproxy } from '../../../support/haproxy/start-haproxy.ts'
import { startLoad } from '../../../support/load/steady-load.ts'

async function squat(host: string, port: number): Promise<Server & AsyncDisposable> {
  const server = createServer().listen({ host, port, exclusive: true })
  await once(server, 'listening')
  const dispose = async (): Promise<void> => {
    server.close()
    await once(server, 'close')
  }
  return Object.assign(server, { [Symbol.asyncDispose]: dispose })
}

interface Taken {
  name: string
  /** Where another program listens. */
  taken: (address: string, port: number) => [string, number]
  bind: (address: string, port: number) => string
  told: (address: string, port: number) => string
}

const IN_USE = 'the address is in use by another program'

describe('An address that cannot be bound', () => {
  it('is told without a secret that stands in it', async () => {
    vi.stubEnv('SOCKET_SECRET', 'hunter2-of-the-socket')
    await using haproxy = await startHaproxy()
    await using web = await startHttpBackend('hello')
    const address = ownAddress()
    await haproxy.apply(webProxy(address, [web]))

    const told = haproxy.apply(webProxy(address, [web], 'bind /nowhere/hunter2-of-the-socket/s.sock'))

    await expect(told).rejects.toMatchObject({
      code: 'KTL_HAPROXY_RELOAD_FAILED',
      message: expect.stringMatching(
        /^The configuration cannot be loaded: line 4: cannot bind \/nowhere\/[^h]+\/s\.sock: the folder/
      ) as unknown
    })
    expect(JSON.stringify([haproxy.lines, haproxy.alarms, haproxy.driver.problems()])).not.toContain('hunter2')
    vi.unstubAllEnvs()
  })
})

describe('An address that another program holds in part', () => {
  it.each<Taken>([
    {
      name: 'all of IPv6 and IPv4, of which IPv4 is taken',
      taken: (_address, port) => ['0.0.0.0', port],
      bind: (_address, port) => `:::${port} v4v6`,
      told: (_address, port) => `cannot bind :::${port}: ${IN_USE}`
    },
    {
      name: 'all of IPv6 in brackets, of which IPv4 is taken',
      taken: (_address, port) => ['0.0.0.0', port],
      bind: (_address, port) => `[::]:${port}`,
      told: (_address, port) => `cannot bind [::]:${port}: ${IN_USE}`
    },
    {
      name: 'a range of ports, of which one is taken',
      taken: (address, port) => [address, port + 2],
      bind: (address, port) => `${address}:${port}-${port + 3}`,
      told: (address, port) => `cannot bind ${address}:${port}-${port + 3}: port ${port + 2}: ${IN_USE}`
    },
    {
      name: 'the second of a list, which is a range with a taken port',
      taken: (address, port) => [address, port + 1],
      bind: (address, port) => `${address}:${port + 5},${address}:${port}-${port + 1}`,
      told: (address, port) => `cannot bind ${address}:${port}-${port + 1}: port ${port + 1}: ${IN_USE}`
    }
  ])('is told, with nothing refused and no pod kept away: $name', async ({ taken, bind, told }) => {
    await using haproxy = await startHaproxy()
    await using one = await startHttpBackend('one')
    await using two = await startHttpBackend('two')
    const [address, port] = [ownAddress(), ownPort()]
    await using squatter = await squat(...taken(address, port))
    await haproxy.apply(webProxy(address, [one]))
    const { reloads } = await haproxy.driver.status()
    const load = startLoad(address, 8080)
    const extra = `bind ${bind(address, port)}`

    await expect(haproxy.apply(webProxy(address, [one], extra))).rejects.toMatchObject({
      code: 'KTL_HAPROXY_RELOAD_FAILED',
      message: expect.stringContaining(told(address, port)) as string
    })
    await expect(haproxy.apply(webProxy(address, [two], extra))).rejects.toMatchObject({
      code: 'KTL_HAPROXY_RELOAD_FAILED'
    })

    await eventually(async () => (await ask(address)) === 'two')
    expect(await haproxy.driver.status()).toMatchObject({ reloads })
    await squatter[Symbol.asyncDispose]()
    await haproxy.apply(webProxy(address, [two], extra))
    await load[Symbol.asyncDispose]()
    expect(load.failures).toEqual([])
    expect(haproxy.driver.problems()).toEqual([])
  })

  it('is taken where IPv6 alone is wanted, and IPv4 is what the other has', async () => {
    await using haproxy = await startHaproxy()
    await using web = await startHttpBackend('hello')
    const [address, port] = [ownAddress(), ownPort()]
    await using squatter = await squat('0.0.0.0', port)
    await haproxy.apply(webProxy(address, [web]))

    await haproxy.apply(webProxy(address, [web], `bind :::${port} v6only`))

    expect(squatter.listening).toBe(true)
    expect(await ask('::1', port)).toBe('hello')
    expect(haproxy.driver.problems()).toEqual([])
  })

  it('is its own when a range that it listens on grows', async () => {
    await using haproxy = await startHaproxy()
    await using web = await startHttpBackend('hello')
    const [address, port] = [ownAddress(), ownPort()]
    await haproxy.apply(webProxy(address, [web], `bind ${address}:${port}-${port + 1}`))

    await haproxy.apply(webProxy(address, [web], `bind ${address}:${port}-${port + 3}`))

    expect(await Promise.all([0, 1, 2, 3].map(async (at) => await ask(address, port + at)))).toEqual(
      Array.from({ length: 4 }, () => 'hello')
    )
  })
})
