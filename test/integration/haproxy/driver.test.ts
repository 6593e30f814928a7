import { once } from 'node:events'
import { createServer } from 'node:net'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ask } from '../../support/haproxy/ask.ts'
import { eventually } from '../../support/eventually.ts'
import { startHttpBackend, type HttpBackend } from '../../support/haproxy/http-backend.ts'
import { ownAddress, ownPort, startHaproxy } from '../../support/haproxy/start-haproxy.ts'
import { startLoad } from '../../support/load/steady-load.ts'

const proxy = (address: string, { host, port }: HttpBackend, extra = ''): string => `
frontend proxy
  bind ${address}:8080
  mode http
  default_backend web
  ${extra}
backend web
  mode http
  server one ${host}:${port}`

/** The text was watched long enough to be what HAProxy begins with. */
async function becomesLastGood(dataFolder: string, text: string): Promise<void> {
  await eventually(async () => (await readFile(join(dataFolder, 'haproxy/last-good.cfg'), 'utf8')) === `${text}\n`)
}

describe('HaproxyDriver', () => {
  it('starts HAProxy before there is any configuration', async () => {
    await using haproxy = await startHaproxy()

    expect(haproxy.driver.problems()).toEqual([])
    expect(haproxy.driver.running()?.text).toBe('# No configuration yet.\n')
    expect(await haproxy.driver.status()).toMatchObject({ reloads: 0, oldWorkers: [] })
  })

  it('serves a first configuration, and says that it does when asked again', async () => {
    await using haproxy = await startHaproxy()
    await using web = await startHttpBackend('hello')
    const address = ownAddress()

    const result = await haproxy.apply(proxy(address, web))
    const again = await haproxy.driver.configure(proxy(address, web))

    expect(result).toMatchObject({ outcome: 'reload', reasons: ['frontend proxy is new', 'backend web is new'] })
    expect(result.diff).toContain('+  server one')
    expect(again).toMatchObject({ outcome: 'unchanged', plan: 'none', diff: '' })
    expect(await ask(address)).toBe('hello')
    const { proxies } = await haproxy.driver.status()
    expect(proxies.find(({ name }) => name === 'web')?.servers).toMatchObject([{ name: 'one', status: 'no check' }])
  })

  it('takes a change of comments and blanks without a reload', async () => {
    await using haproxy = await startHaproxy()
    await using web = await startHttpBackend('hello')
    const text = proxy(ownAddress(), web)
    await haproxy.apply(text)

    const result = await haproxy.driver.configure(`# a comment\n${text.replaceAll('  ', '\t')}`)

    expect(result).toMatchObject({ outcome: 'unchanged', plan: 'none' })
    expect(haproxy.driver.running()?.text).toContain('# a comment')
    expect(await haproxy.driver.status()).toMatchObject({ reloads: 1 })
  })

  it('has no problem with a text that is not wanted any more', async () => {
    await using haproxy = await startHaproxy()
    await expect(haproxy.driver.configure('frontend f\n  nonsense\n')).rejects.toThrow('nonsense')
    expect(haproxy.driver.problems()).toMatchObject([{ code: 'KTL_HAPROXY_CONFIG_REJECTED' }])

    haproxy.driver.withdraw()

    expect(haproxy.driver.problems()).toEqual([])
  })

  it('reloads again and again without a failed request', async () => {
    await using haproxy = await startHaproxy()
    await using web = await startHttpBackend('hello')
    const address = ownAddress()
    await haproxy.apply(proxy(address, web))

    const load = startLoad(address, 8080)
    for (let round = 0; round < 4; round++) {
      await haproxy.apply(proxy(address, web, `http-response set-header x-round ${round}`))
    }
    await load[Symbol.asyncDispose]()

    expect(load.failures).toEqual([])
    expect(load.served()).toBeGreaterThan(100)
    expect(await haproxy.driver.status()).toMatchObject({ reloads: 5 })
  })

  it('waits between two reloads as long as it was told to', async () => {
    await using haproxy = await startHaproxy({ reloadIntervalMs: 3_000 })
    await using web = await startHttpBackend('hello')
    const address = ownAddress()
    await haproxy.apply(proxy(address, web))
    await haproxy.driver.configure(proxy(address, web, 'maxconn 100'))

    await expect(haproxy.driver.restart(AbortSignal.timeout(100))).rejects.toMatchObject({ name: 'AbortError' })
    expect(await haproxy.driver.status()).toMatchObject({ reloads: 1 })
    await haproxy.driver.restart()
    expect(await haproxy.driver.status()).toMatchObject({ reloads: 2 })
  })

  it('takes changes that are sent while a reload is under way', async () => {
    await using haproxy = await startHaproxy()
    await using web = await startHttpBackend('hello')
    const address = ownAddress()

    const all = ['maxconn 101', 'maxconn 102', 'maxconn 103'].map((extra) => haproxy.apply(proxy(address, web, extra)))
    await Promise.all(all)

    expect(haproxy.driver.running()?.text).toContain('maxconn 103')
    expect(await readFile(join(haproxy.dataFolder, 'haproxy/haproxy.cfg'), 'utf8')).toContain('maxconn 103')
    expect(haproxy.driver.problems()).toEqual([])
  })
})

describe('HaproxyDriver with a configuration that is no good', () => {
  const cases = [
    ['a syntax error', 'bogus keyword', /haproxy\.cfg:6\] : unknown keyword 'bogus'/],
    [
      'a chroot, which would end HAProxy at the reload',
      '\nglobal\n  chroot /nonexistent',
      /line 8: "chroot" in global/
    ],
    ['another user', '\nglobal\n  user nobody', /line 8: "user" in global/]
  ] as const
  it.each(cases)('refuses %s', async (_name, extra, words) => {
    await using haproxy = await startHaproxy()
    await using web = await startHttpBackend('hello')
    const address = ownAddress()
    await haproxy.apply(proxy(address, web))

    await expect(haproxy.driver.configure(proxy(address, web, extra))).rejects.toMatchObject({
      code: 'KTL_HAPROXY_CONFIG_REJECTED',
      message: expect.stringMatching(words) as string
    })

    expect(haproxy.driver.problems()).toHaveLength(1)
    expect(await ask(address)).toBe('hello')
    await haproxy.apply(proxy(address, web, 'maxconn 100'))
    expect(haproxy.driver.problems()).toEqual([])
  })

  it('finds a taken port before HAProxy does, so that no request fails', async () => {
    await using haproxy = await startHaproxy()
    await using web = await startHttpBackend('hello')
    const address = ownAddress()
    const squatter = createServer().listen(8081, address)
    await once(squatter, 'listening')
    await haproxy.apply(proxy(address, web))
    const load = startLoad(address, 8080)

    await expect(haproxy.apply(proxy(address, web, `bind ${address}:8081`))).rejects.toMatchObject({
      code: 'KTL_HAPROXY_RELOAD_FAILED',
      message: `The configuration cannot be loaded: line 6: cannot bind ${address}:8081: the address is in use by another program`
    })

    squatter.close()
    await haproxy.apply(proxy(address, web, `bind ${address}:8081`))
    await load[Symbol.asyncDispose]()
    expect(load.failures).toEqual([])
    expect(haproxy.driver.problems()).toEqual([])
  })

  it.each([
    ['stands twice, one for each group of threads', (bind: string) => [`${bind} thread 1`, `${bind} thread 1`]],
    ['stands beside the same port of any address', (bind: string, port: number) => [bind, `*:${port}`]]
  ])('takes an address that %s', async (_name, binds) => {
    await using haproxy = await startHaproxy()
    await using web = await startHttpBackend('hello')
    const [address, port] = [ownAddress(), ownPort()]
    await haproxy.apply(proxy(address, web))
    const lines = binds(`${address}:${port}`, port).map((bind) => `bind ${bind}`)

    await haproxy.apply(proxy(address, web, lines.join('\n  ')))
    await haproxy.apply(proxy(address, web, [...lines, 'maxconn 100'].join('\n  ')))

    expect(await ask(address, port)).toBe('hello')
    expect(haproxy.driver.problems()).toEqual([])
  })

  it('finds one that is taken among them', async () => {
    await using haproxy = await startHaproxy()
    await using web = await startHttpBackend('hello')
    const [address, port] = [ownAddress(), ownPort()]
    await haproxy.apply(proxy(address, web))
    const squatter = createServer().listen(port, address)
    await once(squatter, 'listening')
    const extra = [`bind ${address}:${port} thread 1`, `bind ${address}:${port} thread 1`, `bind *:${port}`].join(
      '\n  '
    )

    await expect(haproxy.apply(proxy(address, web, extra))).rejects.toMatchObject({
      message: `The configuration cannot be loaded: line 6: cannot bind ${address}:${port}: the address is in use by another program; line 8: cannot bind *:${port}: the address is in use by another program`
    })

    squatter.close()
    await haproxy.apply(proxy(address, web, extra))
    expect(await ask(address, port)).toBe('hello')
  })

  it('tells its own address from that of another program, when it is to take the port of any', async () => {
    await using haproxy = await startHaproxy()
    await using web = await startHttpBackend('hello')
    const [address, other, port] = [ownAddress(), ownAddress(), ownPort()]
    await haproxy.apply(proxy(address, web, `bind ${address}:${port}`))
    const squatter = createServer().listen(port, other)
    await once(squatter, 'listening')
    const load = startLoad(address, 8080)

    await expect(haproxy.apply(proxy(address, web, `bind *:${port}`))).rejects.toThrowError(
      `line 6: cannot bind *:${port}: the address is in use by another program`
    )

    squatter.close()
    await haproxy.apply(proxy(address, web, `bind *:${port}`))
    await load[Symbol.asyncDispose]()
    expect(load.failures).toEqual([])
    expect(await ask(other, port)).toBe('hello')
  })

  it.each([
    ['an address of another host', 'bind 10.255.255.1:8080', 'the address is not one of this host'],
    ['a unix socket in no folder', 'bind unix@/nonexistent/sock', 'the folder does not exist']
  ])('finds %s', async (_name, extra, words) => {
    await using haproxy = await startHaproxy()
    await using web = await startHttpBackend('hello')
    const address = ownAddress()
    await haproxy.apply(proxy(address, web))

    await expect(haproxy.apply(proxy(address, web, extra))).rejects.toThrowError(words)

    expect(await ask(address)).toBe('hello')
  })

  it('goes back to the last good configuration when the reload fails', async () => {
    await using haproxy = await startHaproxy()
    await using web = await startHttpBackend('hello')
    const address = ownAddress()
    await haproxy.apply(proxy(address, web))
    const load = startLoad(address, 8080)

    // Passes the check, and HAProxy finds too few file descriptors for it.
    const greedy = proxy(address, web, '\nglobal\n  maxconn 2000000')
    await expect(haproxy.apply(greedy)).rejects.toMatchObject({
      code: 'KTL_HAPROXY_RELOAD_FAILED',
      message: expect.stringContaining('FD limit') as string
    })

    expect(haproxy.driver.problems()).toHaveLength(1)
    expect(await readFile(join(haproxy.dataFolder, 'haproxy/haproxy.cfg'), 'utf8')).not.toContain('2000000')
    await haproxy.apply(proxy(address, web, 'maxconn 100'))
    await load[Symbol.asyncDispose]()
    expect(load.failures).toEqual([])
    expect(haproxy.driver.problems()).toEqual([])
  })
})

describe('HaproxyDriver with a configuration that ends HAProxy itself', () => {
  it('notices the worker that dies behind its fork, and starts again with the last good configuration', async () => {
    await using haproxy = await startHaproxy()
    await using web = await startHttpBackend('hello')
    const address = ownAddress()
    await haproxy.apply(proxy(address, web))
    await becomesLastGood(haproxy.dataFolder, proxy(address, web))
    const script = join(haproxy.dataFolder, 'deadly.lua')
    await writeFile(script, 'core.register_task(function() core.msleep(50) os.exit(1) end)')

    const deadly = proxy(address, web, `\nglobal\n  lua-load ${script}`)
    await haproxy.apply(deadly).catch((error: unknown) => {
      // Dead so early that the reload noticed.
      expect(error).toMatchObject({ code: 'KTL_HAPROXY_RELOAD_FAILED' })
    })

    await eventually(() => haproxy.driver.problems()[0]?.code === 'KTL_HAPROXY_RELOAD_FAILED')
    await eventually(async () => (await ask(address)) === 'hello')
    expect(haproxy.driver.running()?.text).toBe(`${proxy(address, web)}\n`)
    expect(haproxy.driver.problems()).toHaveLength(1)
  })
})

describe('HaproxyDriver when processes end', () => {
  it('starts HAProxy again with the last good configuration when its master is killed', async () => {
    await using haproxy = await startHaproxy()
    await using web = await startHttpBackend('hello')
    const address = ownAddress()
    await haproxy.apply(proxy(address, web))
    await becomesLastGood(haproxy.dataFolder, proxy(address, web))
    const { pid } = await haproxy.driver.status()

    process.kill(pid, 'SIGKILL')

    const after = await eventually(async () => {
      const status = await haproxy.driver.status()
      return status.pid !== pid && haproxy.driver.problems().length === 0 ? status : undefined
    })
    expect(after.pid).not.toBe(pid)
    expect(await ask(address)).toBe('hello')
    await eventually(() => haproxy.driver.running()?.text === `${proxy(address, web)}\n`)
    expect(await haproxy.driver.configure(proxy(address, web))).toMatchObject({ outcome: 'unchanged' })
  })

  it('starts HAProxy again when its worker is killed', async () => {
    await using haproxy = await startHaproxy()
    await using web = await startHttpBackend('hello')
    const address = ownAddress()
    await haproxy.apply(proxy(address, web))
    await becomesLastGood(haproxy.dataFolder, proxy(address, web))
    const { workerPid = 0 } = await haproxy.driver.status()

    process.kill(workerPid, 'SIGKILL')

    await eventually(async () => (await haproxy.driver.status()).workerPid !== workerPid)
    expect(await ask(address)).toBe('hello')
  })

  it('adopts the HAProxy that an earlier control tier left, and watches over it', async () => {
    await using haproxy = await startHaproxy()
    await using web = await startHttpBackend('hello')
    const address = ownAddress()
    await haproxy.apply(proxy(address, web))
    const before = await haproxy.driver.status()

    const driver = await haproxy.takeOver()

    expect(await driver.status()).toMatchObject({ pid: before.pid, workerPid: before.workerPid })
    expect(await driver.configure(proxy(address, web))).toMatchObject({ outcome: 'unchanged' })
    process.kill(before.pid, 'SIGKILL')
    await eventually(async () => (await driver.status()).pid !== before.pid)
    expect(await ask(address)).toBe('hello')
  })

  it('reloads an adopted HAProxy that may run something else than the file says', async () => {
    await using haproxy = await startHaproxy()
    await using web = await startHttpBackend('hello')
    const address = ownAddress()
    await haproxy.apply(proxy(address, web))
    await writeFile(join(haproxy.dataFolder, 'haproxy/applied.json'), '{"workerPid":1')

    const driver = await haproxy.takeOver()

    expect(driver.running()).toBeUndefined()
    // It serves, whatever it is: a text that is cut off does not close its listener.
    await expect(driver.configure('# being written\n')).rejects.toMatchObject({ code: 'KTL_HAPROXY_NO_LISTENER' })
    expect(await driver.configure(proxy(address, web))).toMatchObject({
      outcome: 'reload',
      reasons: ['what HAProxy runs is not known']
    })
    await driver.restart()
    expect(await ask(address)).toBe('hello')
    expect(driver.running()?.text).toContain('server one')
  })

  it('begins with the last good configuration after both have stopped', async () => {
    await using haproxy = await startHaproxy()
    await using web = await startHttpBackend('hello')
    const address = ownAddress()
    await haproxy.apply(proxy(address, web))
    await haproxy.driver.stop()
    expect(haproxy.driver.problems()).toMatchObject([
      { code: 'KTL_HAPROXY_UNREACHABLE', message: 'HAProxy is not running' }
    ])

    await haproxy.takeOver()

    expect(await ask(address)).toBe('hello')
  })

  it('heals with the next configuration when the last good one cannot be started any more', async () => {
    await using haproxy = await startHaproxy()
    await using web = await startHttpBackend('hello')
    const [address, other] = [ownAddress(), ownAddress()]
    await haproxy.apply(proxy(address, web))
    await haproxy.driver.stop()
    const squatter = createServer().listen(8080, address)
    await once(squatter, 'listening')

    const driver = await haproxy.takeOver()
    expect(driver.problems()).toHaveLength(1)
    await haproxy.apply(proxy(other, web))

    expect(await ask(other)).toBe('hello')
    expect(driver.problems()).toEqual([])
    squatter.close()
  })
})
