import { readdir, readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { eventually } from '../../support/eventually.ts'
import { announce, seedRegistry } from '../../support/load/known-pods.ts'
import { residentMb } from '../../support/load/resident-mb.ts'
import { createService, startService, type RunningService } from '../../support/service/start-service.ts'
import { ownAddress } from '../../support/haproxy/start-haproxy.ts'
import { atMost, figure, NONE } from '../figures.ts'
import type { Options, Table } from '../table.ts'

const APPS = 50
const AIMS_MB = { idle: 90, full: 200, slave: 60 }

const template = (): string => `
frontend proxy
  mode http
  bind ${ownAddress()}:8080
  default_backend web
backend web
  mode http
  {%- for ip in hosts.web %}
  server web-{{ loop.index }} {{ ip }}:80
  {%- endfor %}
`

/** The same of the process that renders its templates, where there is one. */
async function rendererMb({ pid }: RunningService): Promise<string> {
  for (const task of await readdir(`/proc/${pid}/task`)) {
    const children = await readFile(`/proc/${pid}/task/${task}/children`, 'utf8')
    for (const child of children.trim().split(' ').filter(Boolean)) {
      const command = await readFile(`/proc/${child}/cmdline`, 'utf8')
      if (command.includes('template-program')) return figure(await residentMb(Number(child)))
    }
  }
  return NONE
}

/** What the processes weigh. */
export async function memory({ quick }: Options): Promise<Table[]> {
  const [pods, restMs] = quick ? [100, 500] : [100_000, 30_000]
  const env = { KONTROL_TTL: '3600', KONTROL_PODS_PER_PEER: '200000' }
  await using idle = await startService({ template: template(), env })
  await using full = await createService({ template: template(), env })
  await seedRegistry(full.data, pods, APPS)
  await full.start()
  await using slave = await startService({
    env: {
      KONTROL_MODE: 'slave',
      KONTROL_LABELS: '{"app":"web","role":"backend"}',
      KONTROL_ANNOTATIONS: JSON.stringify({ 'kontrol.unity3d.com/master': `127.0.0.1:${idle.port}` }),
      KONTROL_IP: '127.0.0.11',
      KONTROL_ID: 'web-0'
    }
  })
  for (const service of [idle, full]) await service.ready()
  await eventually(async () => (await idle.get('/api/v1/pods?app=web')).body.includes('127.0.0.11'))
  // Each reports again, as all do after a restart.
  await announce(full.url, pods, APPS)
  await sleep(restMs)
  const [idleMb, fullMb, slaveMb] = [
    await residentMb(idle.pid),
    await residentMb(full.pid),
    await residentMb(slave.pid)
  ]
  const each = figure(((fullMb - idleMb) * 1e6) / pods)
  return [
    {
      title: 'Memory',
      text: `What is resident of a process (RSS, megabytes of 1,000,000 bytes) once it has been left alone for a while: a master
with its automaton, the same with many pods of a small payload, each of which has reported over HTTP, and a slave alone. The
process that renders templates is one of its own; HAProxy is not counted.`,
      columns: ['process', 'RSS, MB', 'aim', 'bytes a pod', 'its process for templates, MB'],
      rows: [
        ['an idle master', figure(idleMb), atMost(AIMS_MB.idle, idleMb), NONE, await rendererMb(idle)],
        [
          `a master with ${pods.toLocaleString('en-US')} pods`,
          ...[figure(fullMb), atMost(AIMS_MB.full, fullMb), each, await rendererMb(full)]
        ],
        ['a slave alone', figure(slaveMb), atMost(AIMS_MB.slave, slaveMb), NONE, NONE]
      ]
    }
  ]
}
