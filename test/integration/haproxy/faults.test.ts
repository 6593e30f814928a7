import { copyFile, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import type { HaproxyDriver } from '../../../src/haproxy/driver.ts'
import { systemClock } from '../../../src/platform/clock.ts'
import { runSubprocess } from '../../../src/platform/subprocess.ts'
import { eventually } from '../../support/eventually.ts'
import { startHttpBackend, type HttpBackend } from '../../support/http-backend.ts'
import { ownAddress, startHaproxy, type DrivenHaproxy } from '../../support/start-haproxy.ts'
import { tempDir } from '../../support/temp-dir.ts'

const proxy = (address: string, backends: readonly HttpBackend[], extra = ''): string => `
frontend proxy
  bind ${address}:8080
  mode http
  default_backend web
  ${extra}
backend web
  mode http
${backends.map(({ host, port }, index) => `  server s${index} ${host}:${port}`).join('\n')}`

async function apply(driver: HaproxyDriver, text: string) {
  const result = await driver.configure(text)
  if (result.outcome === 'reload') await driver.restart()
  return result
}

async function ask(address: string): Promise<string> {
  return await (await fetch(`http://${address}:8080/`, { headers: { connection: 'close' } })).text()
}

const fileOf = ({ dataFolder }: DrivenHaproxy, name: string): string => join(dataFolder, 'haproxy', name)

/** Applies the text, and waits until it is what HAProxy begins with. */
async function serve(haproxy: DrivenHaproxy, text: string): Promise<void> {
  await apply(haproxy.driver, text)
  await eventually(async () => (await readFile(fileOf(haproxy, 'last-good.cfg'), 'utf8')) === `${text}\n`)
}

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
    await apply(haproxy.driver, proxy(address, [web]))

    aheadMs = 3_600_000
    await apply(haproxy.driver, proxy(address, [web], 'maxconn 101'))
    aheadMs = 0
    const before = performance.now()
    await apply(haproxy.driver, proxy(address, [web], 'maxconn 102'))

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
    await sleep(10_500)
    await rm(binary)
    const told = haproxy.lines.length

    await killMaster(haproxy)
    await sleep(5_000)

    const tries = haproxy.lines.slice(told).filter(({ msg }) => msg === 'haproxy cannot be started')
    // At once, and after 0.5, 1 and 2 seconds more.
    expect(tries.length).toBeGreaterThanOrEqual(3)
    expect(tries.length).toBeLessThanOrEqual(5)
    expect(haproxy.lines.slice(told).filter(({ msg }) => msg === 'haproxy died')).toHaveLength(1)
    await copyFile(stdout.trim(), binary)
    await eventually(async () => (await ask(address)) === 'hello', 20_000)
  })
})
