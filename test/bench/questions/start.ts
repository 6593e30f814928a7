import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { haproxyPaths, masterSocketArgument } from '../../../src/haproxy/files/paths.ts'
import { findMaster } from '../../../src/haproxy/process/process-table.ts'
import { eventually } from '../../support/eventually.ts'
import { seedRegistry } from '../../support/load/known-pods.ts'
import { createService, type RunningService } from '../../support/service/start-service.ts'
import { ownAddress } from '../../support/haproxy/start-haproxy.ts'
import { figure, inEach, median, NONE, rounds, spread } from '../figures.ts'
import type { Options, Table } from '../table.ts'

const APPS = 50
const POLL_MS = 5
const PATIENCE_MS = 60_000
const dist = join(import.meta.dirname, '../../../dist')

const template = (): string => `
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
frontend proxy
  bind ${ownAddress()}:8080
  default_backend web
backend web
  {%- for ip in (hosts['app-1'] | default([]))[:10] %}
  server web-{{ loop.index }} {{ ip }}:80
  {%- endfor %}
`

/** Milliseconds from the start of the process until it answers so. */
async function untilReady(service: RunningService, path: string): Promise<number> {
  const start = performance.now()
  const child = service.spawn()
  for (;;) {
    const status = await service.get(path).then(
      (answer) => answer.status,
      () => undefined
    )
    if (status === 200) return performance.now() - start
    const isOver = child.exitCode !== null || performance.now() - start > PATIENCE_MS
    if (isOver) throw new Error(`not ready: ${service.output}`)
    await sleep(POLL_MS)
  }
}

/** HAProxy as well, so that the next start finds nothing but files. */
async function endAll(service: RunningService): Promise<void> {
  await service.kill('SIGTERM')
  const socket = masterSocketArgument(haproxyPaths(service.data))
  const master = await findMaster(socket)
  if (master !== undefined) process.kill(master.pid, 'SIGTERM')
  await eventually(async () => (await findMaster(socket)) === undefined)
}

async function master(pods: number, each: Iterable<number>): Promise<number[]> {
  await using service = await createService({
    template: template(),
    env: { KONTROL_TTL: '3600', KONTROL_PODS_PER_PEER: '200000' }
  })
  if (pods > 0) await seedRegistry(service.data, pods, APPS)
  const times: number[] = []
  // The first one reloads HAProxy with what it has never served.
  await untilReady(service, '/readyz')
  await inEach(each, async () => {
    await endAll(service)
    times.push(await untilReady(service, '/readyz'))
    const { apps } = await service.json<{ apps: { pods: number }[] }>('/api/v1/apps')
    const known = apps.reduce((sum, app) => sum + app.pods, 0)
    if (known !== pods) throw new Error(`${known} pods are known after the start, and not ${pods}`)
  })
  return times
}

async function slaveAlone(each: Iterable<number>): Promise<number[]> {
  await using service = await createService({
    env: {
      KONTROL_MODE: 'slave',
      KONTROL_LABELS: '{"app":"web","role":"backend"}',
      KONTROL_ANNOTATIONS: '{"kontrol.unity3d.com/master":"127.0.0.1:1"}'
    }
  })
  const times: number[] = []
  await inEach(each, async () => {
    times.push(await untilReady(service, '/healthz'))
    await service.kill('SIGTERM')
  })
  return times
}

/** Milliseconds that a process takes for a program, or that the program prints. */
function ofNode(program: string, each: Iterable<number>, prints: boolean): number[] {
  return [...each].map(() => {
    const start = performance.now()
    const printed = execFileSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' })
    return prints ? Number(printed) : performance.now() - start
  })
}

const importing = (file: string): string =>
  `const start = performance.now(); await import(${JSON.stringify(join(dist, file))}); console.log(performance.now() - start)`

/** From nothing to ready. */
export async function start(options: Options): Promise<Table[]> {
  const node = ofNode('0', rounds(options, 9, 5), false)
  const row = (what: string, times: number[]): string[] => {
    const isFloor = times === node
    return [what, spread(times), String(times.length), isFloor ? NONE : figure(median(times) / median(node))]
  }
  const rows = [row('floor: Node with an empty program', node)]
  for (const pods of options.quick ? [0, 100] : [0, 10_000, 100_000]) {
    const times = await master(pods, rounds(options, 5, 10))
    rows.push(row(`a master that knows ${pods.toLocaleString('en-US')} pods`, times))
  }
  rows.push(row('a slave alone', await slaveAlone(rounds(options, 9, 8))))
  rows.push(row('of it: its imports', ofNode(importing('bootstrap/slave-alone.js'), rounds(options, 9, 5), true)))
  return [
    {
      title: 'A start',
      text: `From the start of the process until it is ready, in milliseconds: a master with its HAProxy, neither of which ran
(\`/readyz\`), with the pods that its data folder holds; and a slave alone (\`/healthz\`).`,
      columns: ['what', 'ms', 'n', 'to the floor'],
      rows
    }
  ]
}
