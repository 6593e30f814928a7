import { execFile } from 'node:child_process'
import { rm, writeFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { readProcess } from '../../../src/haproxy/process/process-table.ts'
import { ask } from '../../support/haproxy/ask.ts'
import { eventually } from '../../support/eventually.ts'
import { startHttpBackend, type HttpBackend } from '../../support/haproxy/http-backend.ts'
import { ownAddress, startHaproxy, type DrivenHaproxy } from '../../support/haproxy/start-haproxy.ts'
import { tempDir } from '../../support/temp-dir.ts'
import { startSupervisord, type RunningSupervisord } from '../../support/neighbours/start-supervisord.ts'

interface Setup extends AsyncDisposable {
  supervisord: RunningSupervisord
  haproxy: DrivenHaproxy
  address: string
  /** Answers two seconds after it was asked. */
  slow: HttpBackend
  config: string
  /** Path of a file in HAProxy's folder. */
  file(name: string): string
}

/** HAProxy under the image's program file, driven by us, with a backend that answers at once and a slow one. */
async function setUp(binary = 'haproxy'): Promise<Setup> {
  const supervisord = await startSupervisord(['haproxy.conf'], { haproxy: binary })
  const quick = await startHttpBackend('quick')
  const slow = await startHttpBackend('slow', '127.0.0.1', 0, 2_000)
  const dataFolder = supervisord.dir.file('data')
  const haproxy = await startHaproxy({ dataFolder, supervisord: supervisord.client })
  const address = ownAddress()
  const config = `
frontend proxy
  bind ${address}:8080
  mode http
  http-request track-sc0 src
  stick-table type ip size 1k expire 1m store http_req_cnt peers kontrol
  use_backend slow if { path /slow }
  default_backend quick
backend quick
  mode http
  server s ${quick.host}:${quick.port}
backend slow
  mode http
  server s ${slow.host}:${slow.port}
`
  await haproxy.driver.configure(config)
  await haproxy.driver.restart()
  await eventually(async () => (await ask(address)) === 'quick')
  await eventually(async () => (await supervisord.client.info('haproxy')).state === 'RUNNING')
  return {
    ...{ supervisord, haproxy, address, slow, config },
    file: (name) => `${dataFolder}/haproxy/${name}`,
    async [Symbol.asyncDispose]() {
      // A supervisord that a test has ended cannot be asked to stop it.
      await Promise.resolve(haproxy[Symbol.asyncDispose]()).catch(() => {})
      for (const part of [supervisord, quick, slow]) await part[Symbol.asyncDispose]()
    }
  }
}

/** Asks again and again with new connections until it is disposed of; `failed` tells what went wrong. */
function load(address: string) {
  const failed: string[] = []
  let asked = 0
  let on = true
  const clients = [1, 2, 3].map(async () => {
    while (on) {
      const answer = await ask(address).catch((error: unknown) => String((error as Error).cause ?? error))
      asked++
      if (answer !== 'quick') failed.push(answer)
    }
  })
  return {
    failed,
    asked: () => asked,
    async [Symbol.asyncDispose]() {
      on = false
      await Promise.all(clients)
    }
  }
}

async function supervisorctl({ serverUrl }: RunningSupervisord, ...words: string[]): Promise<void> {
  await promisify(execFile)('supervisorctl', ['-s', serverUrl, ...words])
}

async function masterOf({ haproxy }: Setup): Promise<number> {
  return await eventually(async () => (await haproxy.driver.status()).pid)
}

async function slowRequest({ address, slow }: Setup): Promise<Promise<string>[]> {
  const before = slow.requests()
  const answer = ask(address, 8080, '/slow')
  await eventually(() => slow.requests() > before)
  // In an array: an async function that returns a promise waits for it.
  return [answer]
}

describe('the program "haproxy" of supervisord', { timeout: 120_000 }, () => {
  it('refuses nobody when it is restarted, and lets the former one finish', async () => {
    await using setup = await setUp()
    const former = await masterOf(setup)
    await using clients = load(setup.address)
    const [unfinished] = await slowRequest(setup)

    await supervisorctl(setup.supervisord, 'restart', 'haproxy')

    expect(await unfinished).toBe('slow')
    await eventually(async () => (await masterOf(setup)) !== former, 20_000)
    await eventually(async () => (await readProcess(former)) === undefined, 20_000)
    const before = clients.asked()
    await eventually(() => clients.asked() > before + 100)
    expect(clients.failed).toEqual([])
    const told = setup.haproxy.lines.map(({ msg }) => msg)
    expect(told, told.join('; ')).toContain('haproxy was restarted in supervisord')
    await eventually(() => setup.haproxy.driver.problems().length === 0)
  })

  it('is the new one that is kept when the former still answers on the socket, as it takes its time to begin', async () => {
    await using dir = await tempDir()
    const slow = dir.file('haproxy')
    // Longer than supervisord takes for a start that succeeded.
    const script = '#!/bin/sh\ncase " $* " in *" -x "*) sleep 2 ;; esac\nexec haproxy "$@"\n'
    await writeFile(slow, script, { mode: 0o755 })
    await using setup = await setUp(slow)
    const former = await masterOf(setup)
    await using clients = load(setup.address)

    await supervisorctl(setup.supervisord, 'restart', 'haproxy')
    const { pid } = await setup.supervisord.client.info('haproxy')

    await eventually(async () => (await readProcess(former)) === undefined, 20_000)
    expect(await setup.supervisord.client.info('haproxy')).toMatchObject({ state: 'RUNNING', pid })
    expect(setup.haproxy.lines.map(({ msg }) => msg)).not.toContain('haproxy died')
    await eventually(() => setup.haproxy.driver.problems().length === 0)
    expect(clients.failed).toEqual([])
  })

  it('goes on with the former HAProxy when a restart finds a configuration that cannot be loaded', async () => {
    await using setup = await setUp()
    const { haproxy, supervisord, address } = setup
    await haproxy.driver.close()
    await using clients = load(address)
    await writeFile(setup.file('haproxy.cfg'), 'frontend broken\n  no such keyword\n')

    await supervisorctl(supervisord, 'restart', 'haproxy').catch(() => {})

    await sleep(5_000)
    expect(await ask(address)).toBe('quick')
    await writeFile(setup.file('haproxy.cfg'), setup.config)
    await eventually(async () => (await supervisord.client.info('haproxy')).state === 'RUNNING', 30_000)
    expect(clients.failed).toEqual([])
  })

  it('refuses nobody when its shell is killed', async () => {
    await using setup = await setUp()
    const former = await masterOf(setup)
    await using clients = load(setup.address)

    process.kill((await setup.supervisord.client.info('haproxy')).pid, 'SIGKILL')

    await eventually(async () => (await masterOf(setup)) !== former, 20_000)
    expect(clients.failed).toEqual([])
  })

  it('drains when it is stopped, and may be started meanwhile', async () => {
    await using setup = await setUp()
    const { address, supervisord } = setup
    const former = await masterOf(setup)
    const [unfinished] = await slowRequest(setup)

    await supervisorctl(supervisord, 'stop', 'haproxy')
    expect(await unfinished).toBe('slow')
    await eventually(async () => (await readProcess(former)) === undefined, 20_000)
    await expect(ask(address)).rejects.toThrow()

    await supervisorctl(supervisord, 'start', 'haproxy')
    await eventually(async () => (await ask(address)) === 'quick')
  })

  it('drains when supervisord is stopped', async () => {
    await using setup = await setUp()
    await setup.haproxy.driver.close()
    const [unfinished] = await slowRequest(setup)

    setup.supervisord.terminate()

    expect(await unfinished).toBe('slow')
    await setup.supervisord.exited
  })

  it('makes its sockets again when they are lost, and refuses nobody', async () => {
    await using setup = await setUp()
    const { haproxy } = setup
    const { pid, workerPid: former } = await haproxy.driver.status()
    await using clients = load(setup.address)

    await Promise.all([rm(setup.file('master.sock')), rm(setup.file('admin.sock'))])

    await eventually(async () => (await haproxy.driver.status()).workerPid !== former, 40_000)
    await eventually(async () => (await readProcess(former ?? 0)) === undefined, 20_000)
    expect(await ask(setup.address)).toBe('quick')
    expect(clients.failed).toEqual([])
    expect(await masterOf(setup)).toBe(pid)
  })
})
