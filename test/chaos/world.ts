import { readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { haproxyPaths, masterSocketArgument } from '../../src/haproxy/files/paths.ts'
import { exchange } from '../../src/haproxy/socket/exchange.ts'
import { parseServersState } from '../../src/haproxy/socket/show-servers-state.ts'
import { eventually } from '../support/eventually.ts'
import type { BreakableProxy } from '../support/neighbours/breakable-proxy.ts'
import type { EtcdCluster } from '../support/neighbours/start-etcd.ts'
import type { RunningService } from '../support/service/start-service.ts'
import type { Fleet } from './fleet.ts'

/** One proxy: all that a fault may touch, and all that must hold. */
export interface World {
  service: RunningService
  fleet: Fleet
  /** Where the template is read from. */
  template: string
  address: string
}

/** Proxies that share their registry. */
export interface Ensemble {
  worlds: readonly World[]
  etcd: EtcdCluster
  /** From each proxy to a member of its own. */
  ways: readonly BreakableProxy[]
}

interface Master {
  id: string
  leading: boolean
}

/** Who leads, as all of them say; throws when they do not agree, or do not know of each other. */
export async function leaderOf({ worlds }: Ensemble): Promise<World> {
  const leaders = await Promise.all(
    worlds.map(async ({ service }) => {
      const { masters } = await service.json<{ masters: Master[] }>('/api/v1/masters')
      if (masters.length !== worlds.length) throw new Error(`one of ${worlds.length} masters sees ${masters.length}`)
      return masters.filter(({ leading }) => leading).map(({ id }) => id)
    })
  )
  const [leader] = new Set(leaders.flat())
  const agreed = leaders.every((ids) => ids.length === 1 && ids[0] === leader)
  const world = worlds.find((_, index) => idOf(index) === leader)
  if (!agreed || world === undefined) throw new Error(`leaders, as each says: ${leaders.join('; ')}`)
  return world
}

/** `KONTROL_ID` of a proxy. */
export const idOf = (index: number): string => `proxy-${index}`

const OUT_OF_USE = 1 | 8
/** Between two looks, which take processor time from who is looked at. */
const LOOK_MS = 200

/** Addresses of a backend's servers that take requests, as HAProxy says. */
async function servingIn(world: World, backend: string): Promise<string[]> {
  const { runtimeSocket } = haproxyPaths(world.service.data)
  const states = await parseServersState(await exchange(runtimeSocket, `show servers state ${backend}`))
  return states
    .filter(({ administrative }) => (administrative & OUT_OF_USE) === 0)
    .map(({ address }) => address)
    .sort()
}

/** Pids of the HAProxy masters of this data folder, and of the processes that nobody has reaped. */
export async function processesOf({ service }: World): Promise<{ masters: number[]; zombies: number[] }> {
  const argument = masterSocketArgument(haproxyPaths(service.data))
  const masters: number[] = []
  const zombies: number[] = []
  for (const name of (await readdir('/proc')).filter((entry) => /^\d+$/.test(entry))) {
    const [stat, command] = await Promise.all(
      ['stat', 'cmdline'].map((file) => readFile(join('/proc', name, file), 'utf8').catch(() => ''))
    )
    const [state, parent] = (stat ?? '').slice((stat ?? '').lastIndexOf(')') + 2).split(' ')
    if (state === 'Z' && Number(parent) === service.pid) zombies.push(Number(name))
    if (!(command ?? '').split('\0').includes(argument)) continue
    const ofParent = await readFile(`/proc/${parent}/cmdline`, 'utf8').catch(() => '')
    if (!ofParent.split('\0').includes(argument)) masters.push(Number(name))
  }
  return { masters, zombies }
}

/** Waits until all that must hold does; throws what does not, once it should. */
export async function isWell(world: World, withinMs: number): Promise<void> {
  const { service, fleet } = world
  await eventually(async () => {
    await sleep(LOOK_MS)
    const { status, body } = await service.get('/readyz')
    if (status !== 200) throw new Error(`not ready: ${body}`)
    for (const app of ['web', 'idle'] as const) {
      const [wanted, serving] = [fleet.living(app).sort(), await servingIn(world, app)]
      const missing = wanted.filter((ip) => !serving.includes(ip))
      const extra = serving.filter((ip) => !wanted.includes(ip))
      if (missing.length + extra.length > 0) throw new Error(`${app}: missing ${missing.join()}; extra ${extra.join()}`)
    }
    const running = (await service.get('/api/v1/config')).body
    const onDisk = await readFile(haproxyPaths(service.data).config, 'utf8')
    if (running !== onDisk) throw new Error('the file on disk is not what runs')
    const { masters, zombies } = await processesOf(world)
    if (masters.length !== 1) throw new Error(`${masters.length} HAProxy masters: ${masters.join()}`)
    if (zombies.length > 0) throw new Error(`zombies: ${zombies.join()}`)
    return true
  }, withinMs)
  const unhandled = /unhandled|UnhandledPromise|Ended with nothing left/i.exec(service.output)
  if (unhandled !== null) throw new Error(`the control tier said "${unhandled[0]}"`)
}

export interface Footprint {
  descriptors: number
  rssMb: number
}

export async function footprint({ service }: World): Promise<Footprint> {
  const status = await readFile(`/proc/${service.pid}/status`, 'utf8')
  return {
    descriptors: (await readdir(`/proc/${service.pid}/fd`)).length,
    rssMb: Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024)
  }
}
