import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { HaproxyDriver } from '../../../src/haproxy/driver.ts'
import { SupervisordSupervisor } from '../../../src/haproxy/supervisor/supervisord.ts'
import { exchange } from '../../../src/haproxy/socket/exchange.ts'
import { systemClock } from '../../../src/platform/clock.ts'
import { ask } from '../../support/haproxy/ask.ts'
import { eventually } from '../../support/eventually.ts'
import { startHttpBackend, type HttpBackend } from '../../support/haproxy/http-backend.ts'
import { ownAddress } from '../../support/haproxy/start-haproxy.ts'
import { startSupervisord } from '../../support/neighbours/start-supervisord.ts'
import { silentLogger } from '../../support/test-logger.ts'

/** Servers are numbered, as a template does: a name goes to the next pod when one leaves. */
const proxy = (address: string, pods: readonly HttpBackend[], timeout: string): string => `
defaults
  mode http
  timeout connect 2s
  timeout client 10s
  timeout server 10s
frontend proxy
  bind ${address}:8080
  default_backend web
backend web
  timeout queue ${timeout}
${pods.map(({ host, port }, index) => `  server w${index + 1} ${host}:${port}`).join('\n')}
`

/** A driver whose HAProxy is a program of a real supervisord. */
async function setUp() {
  const supervisord = await startSupervisord(['haproxy.conf'])
  const dataFolder = supervisord.dir.file('data')
  const driver = new HaproxyDriver({
    dataFolder,
    binary: 'haproxy',
    supervisor: new SupervisordSupervisor({ client: supervisord.client, clock: systemClock, logger: silentLogger() }),
    clock: systemClock,
    logger: silentLogger(),
    reloadIntervalMs: 0,
    quietMs: 60_000,
    onAlarm: () => {}
  })
  await driver.start()
  return {
    driver,
    dataFolder,
    async apply(text: string): Promise<string> {
      const { outcome } = await driver.configure(text)
      if (outcome === 'reload') await driver.restart()
      return outcome
    },
    say: async (line: string): Promise<string> => await exchange(join(dataFolder, 'haproxy/admin.sock'), line),
    async [Symbol.asyncDispose]() {
      await driver.stop(AbortSignal.abort())
      await driver.close()
      await supervisord[Symbol.asyncDispose]()
    }
  }
}

describe('Maintenance by hand, with HAProxy under supervisord', () => {
  it('goes with the pod through a reload, and no later start gives it to the pod that has the name by then', async () => {
    await using haproxy = await setUp()
    await using one = await startHttpBackend('one')
    await using two = await startHttpBackend('two')
    await using three = await startHttpBackend('three')
    const address = ownAddress()
    await haproxy.apply(proxy(address, [one, two], '10s'))
    await haproxy.say('set server web/w2 state maint')

    expect(await haproxy.apply(proxy(address, [one, two], '11s'))).toBe('reload')

    expect(await statuses(haproxy)).toEqual({ w1: 'no check', w2: 'MAINT' })
    await haproxy.say('set server web/w2 state ready')
    await haproxy.apply(proxy(address, [one, three], '11s'))
    // The master ends with its worker, and supervisord starts it again with the file on disk.
    const file = join(haproxy.dataFolder, 'haproxy/haproxy.cfg')
    await eventually(async () => (await readFile(file, 'utf8')).includes(`w2 ${three.host}:${three.port}`))
    const { pid } = await info(haproxy)
    process.kill(pid, 'SIGKILL')

    await eventually(async () => (await info(haproxy)).pid !== pid, 30_000)
    await eventually(async () => {
      expect(await statuses(haproxy)).toEqual({ w1: 'no check', w2: 'no check' })
      const heard = await Promise.all([1, 2, 3, 4].map(async () => await ask(address)))
      return heard.includes('one') && heard.includes('three')
    }, 30_000)
  })
})

type Setup = Awaited<ReturnType<typeof setUp>>

async function info({ say }: Setup): Promise<{ pid: number }> {
  return { pid: Number(/^Pid: (\d+)/m.exec(await say('show info'))?.[1]) }
}

async function statuses({ say }: Setup): Promise<Record<string, string>> {
  const rows = (await say('show stat')).split('\n').map((line) => line.split(','))
  return Object.fromEntries(
    rows.flatMap(([proxy, name = '', ...cells]) => (proxy === 'web' && name.startsWith('w') ? [[name, cells[15]]] : []))
  ) as Record<string, string>
}
