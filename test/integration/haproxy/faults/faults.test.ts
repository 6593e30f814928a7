import { copyFile, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { systemClock } from '../../../../src/platform/clock.ts'
import { runSubprocess } from '../../../../src/platform/process/subprocess.ts'
import { ask } from '../../../support/haproxy/ask.ts'
import { eventually } from '../../../support/eventually.ts'
import { startHttpBackend, type HttpBackend } from '../../../support/haproxy/http-backend.ts'
import { ownAddress, startHaproxy, type DrivenHaproxy } from '../../../support/haproxy/start-haproxy.ts'
import { smallDisk } from '../../../support/small-disk.ts'
import { tempDir } from '../../../support/temp-dir.ts'

const proxy = (address: string, backends: readonly Pick<HttpBackend, 'host' | 'port'>[], extra = ''): string => `
frontend proxy
  bind ${address}:8080
  mode http
  default_backend web
  ${extra}
backend web
  mode http
${backends.map(({ host, port }, index) => `  server s${index} ${host}:${port}`).join('\n')}`

const fileOf = ({ dataFolder }: DrivenHaproxy, name: string): string => join(dataFolder, 'haproxy', name)

/** Applies the text, and waits until it is what HAProxy begins with. */
async function serve(haproxy: DrivenHaproxy, text: string): Promise<void> {
  await haproxy.apply(text)
  await eventually(async () => (await readFile(fileOf(haproxy, 'last-good.cfg'), 'utf8')) === `${text}\n`)
}

const deathsOf = ({ lines }: DrivenHaproxy) => lines.filter(({ msg }) => msg === 'haproxy died')

async function killMaster({ driver }: DrivenHaproxy): Promise<number> {
  const { pid } = await driver.status()
  process.kill(pid, 'SIGKILL')
  return pid
}

describe('a wall clock that jumps', () => {
  it('holds up no reload', async () => {
    let aheadMs = 0
    const clock = { ...systemClock, now: () => Date.now() + aheadMs }
    await using haproxy = await startHaproxy({ clock, reloadIntervalMs: 200 })
    await using web = await startHttpBackend('hello')
    const address = ownAddress()
    await haproxy.apply(proxy(address, [web]))

    aheadMs = 3_600_000
    await haproxy.apply(proxy(address, [web], 'maxconn 101'))
    aheadMs = 0
    const before = performance.now()
    await haproxy.apply(proxy(address, [web], 'maxconn 102'))

    expect(performance.now() - before).toBeLessThan(10_000)
    expect(await haproxy.driver.status()).toMatchObject({ reloads: 3 })
  })
})

describe('a binary that goes away', () => {
  it('is looked for less and less often, with one line for each try, until it is back', async () => {
    await using dir = await tempDir()
    const binary = dir.file('haproxy')
    const { stdout } = await runSubprocess('/bin/sh', ['-c', 'command -v haproxy'], { env: process.env })
    await copyFile(stdout.trim(), binary)
    await using haproxy = await startHaproxy({ binary })
    await using web = await startHttpBackend('hello')
    const address = ownAddress()
    await serve(haproxy, proxy(address, [web]))
    // Longer than what counts as a series of failures.
    await sleep(1_100)
    await rm(binary)
    const told = haproxy.lines.length

    await killMaster(haproxy)
    await sleep(5_000)

    const tries = haproxy.lines.slice(told).filter(({ msg }) => msg === 'haproxy cannot be started')
    // At once, and after 0.5, 1 and 2 seconds more.
    expect(tries.length).toBeGreaterThanOrEqual(3)
    expect(tries.length).toBeLessThanOrEqual(5)
    expect(deathsOf(haproxy)).toHaveLength(1)
    await copyFile(stdout.trim(), binary)
    await eventually(async () => (await ask(address)) === 'hello', 20_000)
  })
})

describe('a HAProxy that is killed again and again', () => {
  it('is started at once each time that it has served, and later when it has not', async () => {
    await using haproxy = await startHaproxy()
    await using web = await startHttpBackend('hello')
    const address = ownAddress()
    await serve(haproxy, proxy(address, [web]))
    for (let times = 0; times < 4; times++) {
      // Longer than what counts as a series of failures.
      await sleep(1_200)
      const former = await killMaster(haproxy)
      await eventually(async () => (await haproxy.driver.status()).pid !== former)
      expect(await ask(address)).toBe('hello')
    }

    await killMaster(haproxy)

    await eventually(() => deathsOf(haproxy).length === 5)
    expect(deathsOf(haproxy).map(({ restartInMs }) => restartInMs)).toEqual([0, 0, 0, 0, 500])
    await eventually(async () => (await ask(address)) === 'hello')
  })
})

describe('files that are deleted under HAProxy', () => {
  it('starts with what ran when last-good.cfg is gone', async () => {
    await using haproxy = await startHaproxy()
    await using web = await startHttpBackend('hello')
    const address = ownAddress()
    await serve(haproxy, proxy(address, [web]))
    await rm(fileOf(haproxy, 'last-good.cfg'))

    await killMaster(haproxy)

    await eventually(async () => (await ask(address)) === 'hello')
    await eventually(() => haproxy.driver.running()?.text === `${proxy(address, [web])}\n`)
    expect(await readFile(fileOf(haproxy, 'last-good.cfg'), 'utf8')).toBe(`${proxy(address, [web])}\n`)
  })

  it.each([
    ['last-good.cfg', ['last-good.cfg']],
    ['last-good.cfg and haproxy.cfg', ['last-good.cfg', 'haproxy.cfg']]
  ])('starts with what ran when %s went while no control tier was there', async (_name, names) => {
    await using haproxy = await startHaproxy()
    await using web = await startHttpBackend('hello')
    const address = ownAddress()
    await serve(haproxy, proxy(address, [web]))
    await haproxy.driver.stop()
    for (const name of names) await rm(fileOf(haproxy, name))

    await haproxy.takeOver()

    expect(await ask(address)).toBe('hello')
    expect(haproxy.driver.running()?.text).toBe(`${proxy(address, [web])}\n`)
  })

  it('has its files again when somebody deletes them while it runs', async () => {
    await using haproxy = await startHaproxy()
    await using backend = await startHttpBackend('pod')
    const text = proxy(ownAddress(), [backend])
    await serve(haproxy, text)
    const { workerPid } = await haproxy.driver.status()

    const names = ['haproxy.cfg', 'last-good.cfg', 'base.cfg', 'peers.cfg']
    for (const name of names) await rm(fileOf(haproxy, name))

    for (const name of names) await eventually(() => readFile(fileOf(haproxy, name), 'utf8'))
    expect(await readFile(fileOf(haproxy, 'haproxy.cfg'), 'utf8')).toBe(`${text}\n`)
    expect(await readFile(fileOf(haproxy, 'last-good.cfg'), 'utf8')).toBe(`${text}\n`)
    expect((await haproxy.driver.status()).workerPid).toBe(workerPid)
  })

  it('begins without a configuration rather than with one that HAProxy refuses', async () => {
    await using haproxy = await startHaproxy()
    await haproxy.driver.stop()
    await rm(fileOf(haproxy, 'last-good.cfg'), { force: true })
    await writeFile(fileOf(haproxy, 'haproxy.cfg'), 'bogus\n')

    await haproxy.takeOver()

    expect(haproxy.driver.running()?.text).toBe('# No configuration yet.\n')
  })

  it('writes base.cfg again, for a check and for a start', async () => {
    await using haproxy = await startHaproxy()
    await using web = await startHttpBackend('hello')
    const address = ownAddress()
    await serve(haproxy, proxy(address, [web]))
    await rm(fileOf(haproxy, 'base.cfg'))

    await haproxy.apply(proxy(address, [web], 'maxconn 100'))

    await rm(fileOf(haproxy, 'base.cfg'))
    await killMaster(haproxy)
    await eventually(async () => (await ask(address)) === 'hello')
    await eventually(async () => (await readFile(fileOf(haproxy, 'base.cfg'), 'utf8')).includes('stats socket'))
  })
})

describe.each(['candidate-base.cfg', 'peers.cfg'])('%s, deleted while HAProxy checks a text', (name) => {
  it('is no verdict on the text', async () => {
    await using dir = await tempDir()
    const binary = dir.file('haproxy')
    const script = `#!/bin/sh
case " $* " in *" -c "*) if [ -e ${dir.path}/armed ]; then rm ${dir.path}/armed $(cat ${dir.path}/base); fi ;; esac
exec haproxy "$@"
`
    await writeFile(binary, script, { mode: 0o755 })
    await using haproxy = await startHaproxy({ binary })
    await using web = await startHttpBackend('hello')
    const address = ownAddress()
    await writeFile(dir.file('base'), fileOf(haproxy, name))
    await writeFile(dir.file('armed'), '')

    await haproxy.apply(proxy(address, [web]))

    expect(await ask(address)).toBe('hello')
    await expect(stat(dir.file('armed'))).rejects.toThrow('ENOENT')
  })
})

describe('a data folder to which nothing can be written', () => {
  it.each(['fill', 'protect'] as const)('holds up neither a change of servers nor a start (%s)', async (spoil) => {
    await using disk = await smallDisk()
    await using haproxy = await startHaproxy({ dataFolder: disk.path })
    await using one = await startHttpBackend('one')
    await using two = await startHttpBackend('two')
    const address = ownAddress()
    await serve(haproxy, proxy(address, [one, two]))
    await disk[spoil]()

    const { outcome } = await haproxy.driver.configure(proxy(address, [one]))
    expect(outcome).toBe('applied')
    for (let n = 0; n < 4; n++) expect(await ask(address)).toBe('one')

    // The worker of the killed master may answer until it sees that its master is gone.
    const pid = await killMaster(haproxy)
    // HAProxy makes its sockets there: they cannot be elsewhere.
    if (spoil === 'protect') await disk.allow()
    await eventually(async () => (await haproxy.driver.status()).pid !== pid, 30_000)
    await eventually(async () => {
      for (let n = 0; n < 4; n++) expect(await ask(address)).toBe('one')
      return true
    })
    // HAProxy answers some milliseconds before it is asked what it is.
    const running = await eventually(() => haproxy.driver.running())
    expect(running.text).toBe(`${proxy(address, [one])}\n`)
    if (spoil === 'fill') await disk.free()
    await eventually(
      async () => (await readFile(fileOf(haproxy, 'last-good.cfg'), 'utf8')) === `${proxy(address, [one])}\n`
    )
  })
})

describe('a disk that is full while a change waits that takes a reload', () => {
  it('keeps no server from coming or going in what runs', async () => {
    await using disk = await smallDisk('16m')
    await using haproxy = await startHaproxy({ dataFolder: disk.path })
    await using one = await startHttpBackend('one')
    await using two = await startHttpBackend('two')
    const address = ownAddress()
    // More than the page or two that other files give back, once the disk is full.
    const long = `# ${'x'.repeat(100_000)}`
    await serve(haproxy, proxy(address, [one], long))
    await disk.fill()

    await expect(haproxy.apply(proxy(address, [two], `${long}\n  maxconn 101`))).rejects.toThrow('ENOSPC')

    for (let n = 0; n < 4; n++) expect(await ask(address)).toBe('two')
    expect(haproxy.driver.problems()[0]?.message).toContain('ENOSPC')
    await disk.free()
    await serve(haproxy, proxy(address, [two], 'maxconn 101'))
    expect(haproxy.driver.problems()).toEqual([])
  })

  it('has the last good configuration follow once there is room, though the disk became full while it was watched', async () => {
    await using disk = await smallDisk('16m')
    await using haproxy = await startHaproxy({ dataFolder: disk.path })
    await using web = await startHttpBackend('hello')
    const address = ownAddress()
    const long = `# ${'x'.repeat(100_000)}`
    await serve(haproxy, proxy(address, [web], long))
    const wanted = proxy(address, [web], `${long}\n  maxconn 101`)
    await haproxy.apply(wanted)
    await disk.fill()
    await eventually(() => haproxy.lines.some(({ msg }) => msg === 'the last good configuration cannot be kept'))

    await disk.free()

    await eventually(async () => (await readFile(fileOf(haproxy, 'last-good.cfg'), 'utf8')) === `${wanted}\n`, 30_000)
    expect(haproxy.driver.problems()).toEqual([])
  })
})

describe('the journal of changes', () => {
  it('stays small without a reload, and tells the next control tier of them all', async () => {
    await using haproxy = await startHaproxy()
    await using one = await startHttpBackend('one')
    const address = ownAddress()
    await serve(haproxy, proxy(address, [one]))
    // Too few for a reload that clears what they leave behind, and enough to fill the journal with each change.
    const others = Array.from({ length: 9 }, (_, n) => ({ host: address, port: 9_000 + n }))
    const long = `# ${'x'.repeat(40)}`
    let text = ''
    for (let n = 0; n < 1_000; n++) {
      text = proxy(address, n % 2 === 0 ? [one, ...others] : [one], long)
      await haproxy.driver.configure(text)
    }

    const { size } = await stat(fileOf(haproxy, 'changes.jsonl'))
    expect(size).toBeLessThan(700 * 1024)
    expect((await haproxy.driver.status()).reloads).toBe(1)
    const driver = await haproxy.takeOver()
    expect(driver.running()?.text).toBe(`${text}\n`)
    expect(await driver.configure(proxy(address, [one, ...others], long))).toMatchObject({ outcome: 'applied' })
  })
})
