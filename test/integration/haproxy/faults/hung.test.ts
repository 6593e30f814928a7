import { chmod, readFile, rm, writeFile } from 'node:fs/promises'
import { getPriority } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { systemClock } from '../../../../src/platform/clock.ts'
import { readProcess } from '../../../../src/haproxy/process/process-table.ts'
import { webProxy } from '../../../support/haproxy/sample-template.ts'
import { eventually } from '../../../support/eventually.ts'
import { freeze } from '../../../support/service/freeze.ts'
import { startHttpBackend } from '../../../support/haproxy/http-backend.ts'
import { ownAddress, startHaproxy, type DrivenHaproxy } from '../../../support/haproxy/start-haproxy.ts'
import { startLoad } from '../../../support/load/steady-load.ts'
import { tempDir } from '../../../support/temp-dir.ts'

async function ask(address: string): Promise<string> {
  const signal = AbortSignal.timeout(5_000)
  return await (await fetch(`http://${address}:8080/`, { headers: { connection: 'close' }, signal })).text()
}

async function workerOf({ driver }: DrivenHaproxy): Promise<number> {
  const { workerPid } = await driver.status()
  if (workerPid === undefined) throw new Error('there is no worker')
  return workerPid
}

const told = ({ driver }: DrivenHaproxy): string =>
  driver
    .problems()
    .map(({ message }) => message)
    .join()

async function childrenOf(pid: number): Promise<number[]> {
  const words = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')
  return words.trim().split(' ').map(Number)
}

/** One that waits for whoever froze it to take note of its end is gone as well. */
const isGone = async (pid: number): Promise<boolean> => (await readProcess(pid)) === undefined

describe('a worker that does not answer', () => {
  it('is told, and goes on when a signal had stopped it; a pod that joins meanwhile is there', async () => {
    await using haproxy = await startHaproxy()
    await using one = await startHttpBackend('one')
    await using two = await startHttpBackend('two')
    const address = ownAddress()
    await haproxy.apply(webProxy(address, [one]))
    const worker = await workerOf(haproxy)

    process.kill(worker, 'SIGSTOP')
    await eventually(() => told(haproxy).includes(`worker (${worker}) does not answer`))
    await haproxy.apply(webProxy(address, [one, two]))

    await eventually(() => told(haproxy) === '', 20_000)
    const answers = new Set<string>()
    for (let n = 0; n < 8; n++) answers.add(await ask(address))
    expect([...answers].sort()).toEqual(['one', 'two'])
  })

  it('cuts nobody who waits for it, when a signal had stopped it and a reload comes before that is noticed', async () => {
    // No time passes for whoever looks at it now and then.
    await using haproxy = await startHaproxy({ clock: { ...systemClock, monotonic: () => 0 } })
    await using web = await startHttpBackend('hello')
    const address = ownAddress()
    await haproxy.apply(webProxy(address, [web]))
    const worker = await workerOf(haproxy)

    process.kill(worker, 'SIGSTOP')
    const answered = async (): Promise<string> => await ask(address).catch((error: unknown) => String(error))
    const waiting = [answered()]
    // More of them all the time, as the next worker would listen beside this one.
    const more = setInterval(() => waiting.push(answered()), 5)
    await sleep(100)
    await haproxy.apply(webProxy(address, [web], 'maxconn 100')).finally(() => clearInterval(more))

    expect(new Set(await Promise.all(waiting))).toEqual(new Set(['hello']))
    expect(await workerOf(haproxy)).not.toBe(worker)
    // It passed its sockets on: where it does not, one that is stopped at a bad moment cuts who waits there.
    const log = await readFile(join(haproxy.dataFolder, 'haproxy/haproxy.log'), 'utf8')
    expect(log).not.toContain('Failed to get the sockets')
  })

  it('is ended when a reload could not get its sockets', async () => {
    await using haproxy = await startHaproxy()
    await using web = await startHttpBackend('hello')
    const address = ownAddress()
    await haproxy.apply(webProxy(address, [web]))
    const worker = await workerOf(haproxy)
    await using frozen = await freeze(worker)

    await haproxy.apply(webProxy(address, [web], 'maxconn 100'))

    for (let n = 0; n < 40; n++) expect(await ask(address)).toBe('hello')
    expect(await isGone(worker)).toBe(true)
    expect(frozen.pid).toBe(worker)
  })

  it('is replaced after a bound, whoever asks for nothing', async () => {
    let aheadMs = 0
    const clock = { ...systemClock, monotonic: () => performance.now() + aheadMs }
    await using haproxy = await startHaproxy({ clock })
    await using web = await startHttpBackend('hello')
    const address = ownAddress()
    await haproxy.apply(webProxy(address, [web]))
    const worker = await workerOf(haproxy)
    const { pid } = await haproxy.driver.status()
    await using frozen = await freeze(worker)

    await eventually(() => told(haproxy).includes('does not answer'))
    aheadMs = 10_000

    await eventually(async () => told(haproxy) === '' && (await isGone(worker)), 50_000)
    for (let n = 0; n < 40; n++) expect(await ask(address)).toBe('hello')
    expect(await haproxy.driver.status()).toMatchObject({ pid })
    expect(frozen.pid).toBe(worker)
  })
})

describe('a worker that another hand has begun, and that hangs at once', () => {
  it('holds up no change: what is wanted next is served', async () => {
    await using haproxy = await startHaproxy()
    await using one = await startHttpBackend('one')
    await using two = await startHttpBackend('two')
    const address = ownAddress()
    await haproxy.apply(webProxy(address, [one]))
    const { pid } = await haproxy.driver.status()
    const former = await workerOf(haproxy)

    process.kill(pid, 'SIGUSR2')
    const worker = await eventually(async () => (await childrenOf(pid)).find((child) => child !== former))
    await using frozen = await freeze(worker)
    await haproxy.apply(webProxy(address, [two]))

    for (let n = 0; n < 40; n++) expect(await ask(address)).toBe('two')
    expect(await isGone(frozen.pid)).toBe(true)
  })
})

describe('a master that does not answer', () => {
  it('holds up no change of servers, and the template is loaded once it answers', async () => {
    await using haproxy = await startHaproxy()
    await using one = await startHttpBackend('one')
    await using two = await startHttpBackend('two')
    const address = ownAddress()
    await haproxy.apply(webProxy(address, [one]))
    await sleep(1_500)
    const { pid } = await haproxy.driver.status()
    const wanted = webProxy(address, [two], 'maxconn 100')
    {
      await using frozen = await freeze(pid)
      await expect(haproxy.apply(webProxy(address, [one], 'maxconn 100'))).rejects.toMatchObject({
        code: 'KTL_HAPROXY_UNREACHABLE'
      })

      await haproxy.apply(wanted).catch(() => {})

      await eventually(async () => (await ask(address)) === 'two')
      expect(told(haproxy)).toContain(`master (${frozen.pid}) does not answer`)
    }
    await eventually(async () => {
      await haproxy.apply(wanted)
      return true
    }, 30_000)
    expect(haproxy.driver.running()?.text).toBe(wanted)
  })
})

describe('a data folder that is deleted under HAProxy', () => {
  it('is made anew by a reload, and no request fails', async () => {
    await using haproxy = await startHaproxy()
    await using web = await startHttpBackend('hello')
    const address = ownAddress()
    await haproxy.apply(webProxy(address, [web]))
    await sleep(1_500)
    const { pid } = await haproxy.driver.status()
    const former = await workerOf(haproxy)
    await using load = startLoad(address, 8080)

    await rm(join(haproxy.dataFolder, 'haproxy'), { recursive: true })

    await eventually(() => told(haproxy).includes('cannot be reached'))
    await eventually(async () => told(haproxy) === '' && (await isGone(former)), 30_000)
    await haproxy.apply(webProxy(address, [web], 'maxconn 100'))
    const before = load.served()
    await eventually(() => load.served() > before)
    expect(load.failures).toEqual([])
    expect(await haproxy.driver.status()).toMatchObject({ pid })
    // Its log was deleted too, and is told all the same.
    await eventually(() =>
      haproxy.lines.some(({ says }) => String(says).startsWith(`Former worker (${former}) exited`))
    )
    expect(await readFile(join(haproxy.dataFolder, 'haproxy', 'haproxy.cfg'), 'utf8')).toContain('maxconn 100')
    await haproxy.takeOver()
    expect(haproxy.driver.running()?.text).toBe(webProxy(address, [web], 'maxconn 100'))
  })
})

describe('a HAProxy that is killed just after it has made its sockets again', () => {
  it('comes back with what ran, and what is wanted next is loaded', async () => {
    await using haproxy = await startHaproxy()
    await using web = await startHttpBackend('hello')
    const address = ownAddress()
    await haproxy.apply(webProxy(address, [web]))
    const { pid } = await haproxy.driver.status()
    const former = await workerOf(haproxy)
    await rm(join(haproxy.dataFolder, 'haproxy'), { recursive: true })
    await eventually(async () => (await workerOf(haproxy)) !== former, 30_000)

    process.kill(pid, 'SIGKILL')

    await eventually(async () => (await ask(address)) === 'hello', 30_000)
    await haproxy.apply(webProxy(address, [web], 'maxconn 100'))
    await eventually(() => haproxy.driver.running()?.text === webProxy(address, [web], 'maxconn 100'))
  })
})

describe('a socket that is deleted under HAProxy', () => {
  it.each(['admin.sock', 'master.sock'])('%s is there again, and no request fails', async (name) => {
    await using haproxy = await startHaproxy()
    await using web = await startHttpBackend('hello')
    const address = ownAddress()
    await haproxy.apply(webProxy(address, [web]))
    await using load = startLoad(address, 8080)

    await rm(join(haproxy.dataFolder, 'haproxy', name))

    await eventually(() => told(haproxy).includes('is gone'))
    await eventually(() => told(haproxy) === '', 30_000)
    await haproxy.apply(webProxy(address, [web], 'maxconn 100'))
    expect(haproxy.driver.running()?.text).toContain('maxconn 100')
    expect(load.failures).toEqual([])
  })

  it('in the middle of a reload keeps nobody waiting: it is made again, and what is wanted is loaded', async () => {
    await using haproxy = await startHaproxy()
    await using web = await startHttpBackend('hello')
    const address = ownAddress()
    await haproxy.apply(webProxy(address, [web]))
    const { pid } = await haproxy.driver.status()
    const { outcome } = await haproxy.driver.configure(webProxy(address, [web], 'maxconn 100'))
    expect(outcome).toBe('reload')
    await using frozen = await freeze(pid)
    const restarted = haproxy.driver.restart().catch(() => {})
    await rm(join(haproxy.dataFolder, 'haproxy'), { recursive: true })
    await frozen[Symbol.asyncDispose]()
    await restarted

    await eventually(() => told(haproxy) === '', 50_000)
    await haproxy.apply(webProxy(address, [web], 'maxconn 101'))
    expect(haproxy.driver.running()?.text).toContain('maxconn 101')
    expect(await ask(address)).toBe('hello')
  })

  it('while no control tier was there is made again with the next configuration', async () => {
    await using haproxy = await startHaproxy()
    await using web = await startHttpBackend('hello')
    const address = ownAddress()
    await haproxy.apply(webProxy(address, [web]))
    const former = await workerOf(haproxy)
    await haproxy.driver.close()
    await using load = startLoad(address, 8080)
    await rm(join(haproxy.dataFolder, 'haproxy'), { recursive: true })

    await haproxy.takeOver()
    expect(told(haproxy)).toContain('got no answer')
    await haproxy.apply(webProxy(address, [web], 'maxconn 100'))

    await eventually(async () => told(haproxy) === '' && (await isGone(former)), 30_000)
    expect(haproxy.driver.running()?.text).toContain('maxconn 100')
    expect(load.failures).toEqual([])
  })
})

describe('a check that does not end', () => {
  it('does not keep the control tier from ending, and does not outlive it', async () => {
    await using dir = await tempDir()
    const binary = dir.file('haproxy')
    const [hang, pids] = [dir.file('hang'), dir.file('pids')]
    await writeFile(
      binary,
      `#!/bin/sh\ncase " $* " in *" -c "*) [ -e ${hang} ] && { echo $$ >> ${pids}; exec sleep 600; } ;; esac\nexec haproxy "$@"\n`
    )
    await chmod(binary, 0o755)
    await using haproxy = await startHaproxy({ binary })
    await using web = await startHttpBackend('hello')
    const address = ownAddress()
    await haproxy.apply(webProxy(address, [web]))
    await writeFile(hang, '')
    const applied = haproxy.driver.configure(webProxy(address, [web], 'maxconn 100')).catch((error: unknown) => error)
    const pid = await eventually(async () => Number((await readFile(pids, 'utf8')).split('\n')[0]))

    await haproxy.driver.close()

    expect(await applied).toBeInstanceOf(Error)
    await eventually(() => isGone(pid))
    expect(await ask(address)).toBe('hello')
    await rm(hang)
  })
})

describe('a check that is behind a change', () => {
  it('lets others go first where processors are scarce, as none does that a change waits for', async () => {
    await using dir = await tempDir()
    const [binary, seen] = [dir.file('haproxy'), dir.file('niceness')]
    // A while after its start, in a field that words of the second one cannot move.
    const look = `sleep 0.3; sed 's/.*) //' /proc/$$/stat | cut -d ' ' -f 17 >> ${seen}`
    await writeFile(binary, `#!/bin/sh\ncase " $* " in *" -c "*) ${look} ;; esac\nexec haproxy "$@"\n`, { mode: 0o755 })
    await using haproxy = await startHaproxy({ binary })
    await using web = await startHttpBackend('hello')
    const address = ownAddress()
    const ours = getPriority()
    const niceness = async (): Promise<number[]> => (await readFile(seen, 'utf8')).trim().split('\n').map(Number)
    await haproxy.apply(webProxy(address, [web]))
    await haproxy.apply(webProxy(address, [web], 'maxconn 100'))
    expect(await niceness()).toEqual([ours, ours])

    await haproxy.apply(webProxy(address, [web, web], 'maxconn 100'))

    await eventually(async () => (await niceness()).length === 3)
    expect(await niceness()).toEqual([ours, ours, ours + 5])
  })
})
