import { readFile, writeFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { readProcess } from '../../../src/haproxy/process/process-table.ts'
import { SupervisordSupervisor } from '../../../src/haproxy/supervisor/supervisord.ts'
import type { HaproxyCommand, SupervisorHooks } from '../../../src/haproxy/supervisor/supervisor.ts'
import { systemClock } from '../../../src/platform/clock.ts'
import { eventually } from '../../support/eventually.ts'
import { freePort } from '../../support/free-port.ts'
import { startSupervisord, type RunningSupervisord } from '../../support/neighbours/start-supervisord.ts'
import { recordingLogger, silentLogger } from '../../support/test-logger.ts'

const goodConfig = (port: number) => `
defaults
  mode http
  timeout connect 1s
  timeout client 5s
  timeout server 5s
frontend front
  bind 127.0.0.1:${port}
  http-request return status 200 content-type text/plain string ok
`

interface Setup {
  supervisord: RunningSupervisord
  command: HaproxyCommand
  /** What happened, in order. */
  events: string[]
  hooks: SupervisorHooks
  config: string
  /** Port of the frontend. */
  frontend: number
}

/** A supervisord with the image's haproxy program, and hooks that put a working configuration in place. */
async function setUp(): Promise<Setup & AsyncDisposable> {
  const supervisord = await startSupervisord(['haproxy.conf'])
  const folder = supervisord.dir.file('data/haproxy')
  const socketArgument = `${folder}/master.sock,mode,600,level,admin`
  const config = `${folder}/haproxy.cfg`
  const frontend = await freePort()
  const events: string[] = []
  const command: HaproxyCommand = {
    binary: 'haproxy',
    args: ['-W', '-db', '-S', socketArgument],
    socketArgument,
    logFile: `${folder}/haproxy.log`
  }
  const hooks: SupervisorHooks = {
    beforeStart: async () => {
      events.push('beforeStart')
      await writeFile(`${folder}/base.cfg`, 'global\n')
      await writeFile(`${folder}/peers.cfg`, 'global\n')
      await writeFile(config, goodConfig(frontend))
    },
    died: () => void events.push('died'),
    restarted: () => void events.push('restarted')
  }
  const dispose = () => supervisord[Symbol.asyncDispose]()
  return { supervisord, command, events, hooks, config, frontend, [Symbol.asyncDispose]: dispose }
}

function supervisorOf({ supervisord }: Setup, logger = silentLogger()): SupervisordSupervisor {
  return new SupervisordSupervisor({ client: supervisord.client, clock: systemClock, logger })
}

describe('SupervisordSupervisor against a real supervisord', () => {
  it('starts HAProxy once its files are in place', async () => {
    await using setup = await setUp()
    const supervisor = supervisorOf(setup)

    const { pid, adopted } = await supervisor.start(setup.command, setup.hooks)

    expect(adopted).toBe(false)
    expect(supervisor.pid()).toBe(pid)
    expect(setup.events).toEqual(['beforeStart'])
    await eventually(() => serves(setup.frontend))
    await eventually(async () => (await setup.supervisord.client.info('haproxy')).state === 'RUNNING')
    await supervisor.close()
  })

  it('adopts the HAProxy that an earlier run left', async () => {
    await using setup = await setUp()
    const former = supervisorOf(setup)
    const { pid } = await former.start(setup.command, setup.hooks)
    await former.close()

    const supervisor = supervisorOf(setup)

    expect(await supervisor.start(setup.command, setup.hooks)).toEqual({ pid, adopted: true })
    expect(setup.events).toEqual(['beforeStart'])
    await supervisor.close()
  })

  it('notices that supervisord has started a killed HAProxy again', async () => {
    await using setup = await setUp()
    const supervisor = supervisorOf(setup)
    const { pid } = await supervisor.start(setup.command, setup.hooks)
    await eventually(async () => (await setup.supervisord.client.info('haproxy')).state === 'RUNNING')

    process.kill(pid, 'SIGKILL')

    await eventually(() => setup.events.includes('restarted'))
    expect(setup.events.filter((event) => event !== 'beforeStart')).toEqual(['died', 'restarted'])
    expect(supervisor.pid()).not.toBe(pid)
    await eventually(() => serves(setup.frontend))
    await supervisor.close()
  })

  it.each([
    ['at once', 0],
    ['after a while, as its files are large', 3000]
  ])(
    'puts the files in place when supervisord tries in vain, and HAProxy fails %s',
    async (_, backends) => {
      await using setup = await setUp()
      const supervisor = supervisorOf(setup)
      const { pid } = await supervisor.start(setup.command, setup.hooks)
      await eventually(async () => (await setup.supervisord.client.info('haproxy')).state === 'RUNNING')
      const many = Array.from({ length: backends }, (_entry, n) => `backend b${n}\n  server s 127.0.0.1:${n + 1}\n`)
      await writeFile(setup.config, `${many.join('')}frontend broken\n  no such keyword\n`)

      process.kill(pid, 'SIGKILL')

      await eventually(() => setup.events.includes('restarted'), 20_000)
      // supervisord may have begun one more try with the broken file, after which it pauses for longer.
      await eventually(() => serves(setup.frontend), 80_000)
      expect(setup.events[1]).toBe('died')
      await supervisor.close()
    },
    120_000
  )

  it('leaves HAProxy stopped when someone stops it in supervisord, and takes it up again', async () => {
    await using setup = await setUp()
    const { logger, lines } = recordingLogger()
    const supervisor = supervisorOf(setup, logger)
    await supervisor.start(setup.command, setup.hooks)

    await setup.supervisord.client.stop('haproxy')
    await eventually(() => setup.events.includes('died'))
    expect(lines.map(({ msg }) => msg)).toContain('haproxy was stopped in supervisord')
    expect(supervisor.pid()).toBeUndefined()

    await eventually(async () => (await setup.supervisord.client.info('haproxy')).state === 'STOPPED')
    await setup.supervisord.client.start('haproxy')
    await eventually(() => setup.events.includes('restarted'))
    expect(supervisor.pid()).toBeGreaterThan(0)
    await supervisor.close()
  })

  it('lets HAProxy finish what is under way before it ends', async () => {
    await using setup = await setUp()
    const supervisor = supervisorOf(setup)
    const { pid } = await supervisor.start(setup.command, setup.hooks)
    await eventually(() => serves(setup.frontend))

    await supervisor.stop(10_000)

    expect(await readProcess(pid)).toBeUndefined()
    expect(supervisor.pid()).toBeUndefined()
    await eventually(async () => (await setup.supervisord.client.info('haproxy')).state === 'STOPPED')
    expect(setup.events).toEqual(['beforeStart'])
  })

  it('stops HAProxy by itself while supervisord is being stopped', async () => {
    // The control tier's place: a program that supervisord waits for before it stops HAProxy.
    const programs =
      '[program:kontrol]\ncommand=sh -c "trap : TERM; sleep 600 & wait; sleep 600"\npriority=300\nstopwaitsecs=20\n'
    await using setup = await setUp()
    await using stopping = await startSupervisord(['haproxy.conf'], { programs })
    const folder = stopping.dir.file('data/haproxy')
    const socketArgument = `${folder}/master.sock,mode,600,level,admin`
    await writeFile(`${folder}/base.cfg`, 'global\n')
    await writeFile(`${folder}/peers.cfg`, 'global\n')
    await writeFile(`${folder}/haproxy.cfg`, goodConfig(await freePort()))
    const supervisor = new SupervisordSupervisor({
      client: stopping.client,
      clock: systemClock,
      logger: silentLogger()
    })
    const hooks = { ...setup.hooks, beforeStart: async () => {} }
    const { pid } = await supervisor.start({ ...setup.command, socketArgument }, hooks)
    const keeper = await stopping.client.info('kontrol')

    stopping.terminate()
    await eventually(() => stopping.client.shuttingDown())
    await supervisor.stop(10_000)
    expect(await readProcess(pid)).toBeUndefined()

    process.kill(-keeper.pid, 'SIGKILL')
    await stopping.exited
  })

  it('says so when the program in supervisord is not the HAProxy that it expects', async () => {
    await using setup = await setUp()
    const supervisor = supervisorOf(setup)

    const started = supervisor.start({ ...setup.command, socketArgument: '/elsewhere.sock' }, setup.hooks)

    await expect(started).rejects.toMatchObject({
      code: 'KTL_HAPROXY_RELOAD_FAILED',
      message: expect.stringContaining('is no HAProxy with "-W" and "-S /elsewhere.sock"') as string
    })
    await supervisor.close()
  })

  it('says so when the binary of a program without our shell is missing', async () => {
    await using setup = await setUp()
    await using bare = await startSupervisord([], { programs: '[program:haproxy]\ncommand=/nonexistent/haproxy -W\n' })
    const supervisor = supervisorOf({ ...setup, supervisord: bare })

    await expect(supervisor.start(setup.command, setup.hooks)).rejects.toMatchObject({ code: 'KTL_HAPROXY_MISSING' })
    await supervisor.close()
  })

  it("writes HAProxy's words to the log that the control tier reads", async () => {
    await using setup = await setUp()
    const supervisor = supervisorOf(setup)
    await supervisor.start(setup.command, setup.hooks)

    const log = await eventually(async () => (await readFile(setup.command.logFile, 'utf8')) || undefined)

    expect(log).toMatch(/\bnew worker\b/i)
    await supervisor.close()
  })
})

async function serves(port: number): Promise<boolean> {
  return (await fetch(`http://127.0.0.1:${port}/`)).ok
}
