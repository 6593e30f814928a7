import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { systemClock } from '../../../../src/platform/clock.ts'
import { eventually } from '../../../support/eventually.ts'
import { startHttpBackend, type HttpBackend } from '../../../support/haproxy/http-backend.ts'
import { ownAddress, startHaproxy } from '../../../support/haproxy/start-haproxy.ts'
import { startLoad } from '../../../support/load/steady-load.ts'

interface Fleet {
  address: string
  pods: readonly HttpBackend[]
  /** Lines of the backend. */
  backend?: string
}

const proxy = ({ address, pods, backend = '' }: Fleet, extra = ''): string => `
frontend proxy
  bind ${address}:8080
  mode http
  default_backend web
  ${extra}
backend web
  mode http
  ${backend}
${pods.map(({ host, port }, index) => `  server s${index} ${host}:${port}`).join('\n')}
`

async function serves({ address, pods }: Fleet): Promise<void> {
  await eventually(async () => {
    const heard = new Set<string>()
    for (let n = 0; n < 12; n++) {
      heard.add(await (await fetch(`http://${address}:8080/`, { headers: { connection: 'close' } })).text())
    }
    return heard.size === pods.length
  })
}

/** Passes the check, and HAProxy finds too few file descriptors for it. */
const GREEDY = '\nglobal\n  maxconn 2000000'

describe('a text that HAProxy does not take', () => {
  it.each([
    ['its check refuses', 'bogus keyword', 'KTL_HAPROXY_CONFIG_REJECTED'],
    ['it cannot load', GREEDY, 'KTL_HAPROXY_RELOAD_FAILED'],
    ['binds an address of another host', 'bind 10.255.255.1:8080', 'KTL_HAPROXY_RELOAD_FAILED']
  ])('and which %s keeps no pod away, and nothing is refused', async (_name, edit, code) => {
    await using haproxy = await startHaproxy()
    await using one = await startHttpBackend('one')
    await using two = await startHttpBackend('two')
    await using three = await startHttpBackend('three')
    const address = ownAddress()
    const fleet = (...pods: HttpBackend[]): Fleet => ({ address, pods })
    await haproxy.apply(proxy(fleet(one)))
    const load = startLoad(address, 8080)

    await expect(haproxy.apply(proxy(fleet(one, two), edit))).rejects.toMatchObject({ code })
    await serves(fleet(one, two))
    const { reloads } = await haproxy.driver.status()
    await expect(haproxy.apply(proxy(fleet(one, two, three), edit))).rejects.toMatchObject({ code })
    await serves(fleet(one, two, three))
    await expect(haproxy.apply(proxy(fleet(three), edit))).rejects.toMatchObject({ code })
    await serves(fleet(three))

    expect(haproxy.driver.problems()).toMatchObject([{ code }])
    expect(haproxy.driver.running()?.text).toBe(proxy(fleet(three)))
    expect(await haproxy.driver.status()).toMatchObject({ reloads })
    await haproxy.apply(proxy(fleet(three, one)))
    expect(haproxy.driver.problems()).toEqual([])
    await load[Symbol.asyncDispose]()
    expect(load.failures).toEqual([])
  })

  it('keeps no pod away where servers take a reload', async () => {
    await using haproxy = await startHaproxy()
    await using one = await startHttpBackend('one')
    await using two = await startHttpBackend('two')
    const address = ownAddress()
    const backend = 'balance static-rr'
    await haproxy.apply(proxy({ address, backend, pods: [one] }))

    const greedy = proxy({ address, backend, pods: [one, two] }, GREEDY)
    await expect(haproxy.apply(greedy)).rejects.toMatchObject({ code: 'KTL_HAPROXY_RELOAD_FAILED' })

    await serves({ address, pods: [one, two] })
    expect(haproxy.driver.problems()).toMatchObject([{ code: 'KTL_HAPROXY_RELOAD_FAILED' }])
  })

  it('is tried again after a pause, and not before', async () => {
    let aheadMs = 0
    const clock = { ...systemClock, monotonic: () => performance.now() + aheadMs }
    await using haproxy = await startHaproxy({ clock })
    await using one = await startHttpBackend('one')
    await using two = await startHttpBackend('two')
    const address = ownAddress()
    await haproxy.apply(proxy({ address, pods: [one] }))
    const greedy = (...pods: HttpBackend[]): string => proxy({ address, pods }, GREEDY)
    const reloads = async (): Promise<number> => (await haproxy.driver.status()).reloads

    await expect(haproxy.apply(greedy(one))).rejects.toThrow('FD limit')
    const tried = await reloads()
    await expect(haproxy.apply(greedy(one, two))).rejects.toThrow('FD limit')
    expect(await reloads()).toBe(tried)

    aheadMs = 300_000
    await expect(haproxy.apply(greedy(one))).rejects.toThrow('FD limit')
    expect(await reloads()).toBeGreaterThan(tried)
  })

  it('is not loaded again with the next pod when it has ended HAProxy', async () => {
    await using haproxy = await startHaproxy()
    await using one = await startHttpBackend('one')
    await using two = await startHttpBackend('two')
    const address = ownAddress()
    const text = proxy({ address, pods: [one] })
    await haproxy.apply(text)
    const lastGood = join(haproxy.dataFolder, 'haproxy/last-good.cfg')
    await eventually(async () => (await readFile(lastGood, 'utf8')) === text)
    const script = join(haproxy.dataFolder, 'deadly.lua')
    await writeFile(script, 'core.register_task(function() core.msleep(500) os.exit(1) end)')
    const deadly = `\nglobal\n  lua-load ${script}`

    await haproxy.apply(proxy({ address, pods: [one] }, deadly))
    await eventually(() => haproxy.driver.problems()[0]?.code === 'KTL_HAPROXY_RELOAD_FAILED')
    await eventually(() => haproxy.driver.running()?.text === text)
    const { pid } = await haproxy.driver.status()
    const joined = haproxy.apply(proxy({ address, pods: [one, two] }, deadly))

    await expect(joined).rejects.toMatchObject({ code: 'KTL_HAPROXY_RELOAD_FAILED' })
    await serves({ address, pods: [one, two] })
    expect(await haproxy.driver.status()).toMatchObject({ pid, reloads: 0 })
  })

  it('is soon tried again where HAProxy was killed a moment after it had loaded it', async () => {
    await using haproxy = await startHaproxy()
    await using web = await startHttpBackend('hello')
    const address = ownAddress()
    await haproxy.apply(proxy({ address, pods: [web] }))
    await eventually(() => haproxy.driver.running()?.text === proxy({ address, pods: [web] }))
    const wanted = proxy({ address, pods: [web] }, 'maxconn 100')

    await haproxy.apply(wanted)
    process.kill((await haproxy.driver.status()).pid, 'SIGKILL')

    // One that ends of its text waits for a minute.
    await eventually(
      async () => haproxy.driver.problems().length === 0 && (await haproxy.driver.status()).pid > 0,
      50_000
    )
    await eventually(() => haproxy.driver.running()?.text === wanted, 50_000)
    await serves({ address, pods: [web] })
  })
})
