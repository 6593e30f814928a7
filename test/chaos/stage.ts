import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ownAddress } from '../support/haproxy/start-haproxy.ts'
import { startBreakableProxy, type BreakableProxy } from '../support/neighbours/breakable-proxy.ts'
import { startEtcd, type EtcdCluster } from '../support/neighbours/start-etcd.ts'
import { command } from '../support/service/command.ts'
import { createService, type RunningService } from '../support/service/start-service.ts'
import { firstTemplate, TTL_MS } from './faults.ts'
import { Fleet } from './fleet.ts'
import type { StormOptions } from './outcome.ts'
import { idOf, type Ensemble, type World } from './world.ts'

/** Real web servers among the slaves. */
const BACKENDS = 20
/** Seconds until who is silent leads no more. */
const FOVER = 4

interface Stage extends AsyncDisposable {
  worlds: World[]
  /** What they share, when they are several. */
  ensemble: Ensemble | undefined
}

/** So many proxies as are wanted, with all that reports to them. */
export async function startStage({ masters, slaves }: StormOptions): Promise<Stage> {
  /** How to put away what was begun, the last one first. */
  const ends: (() => PromiseLike<unknown>)[] = []
  const end = async (): Promise<void> => {
    for (let one = ends.pop(); one !== undefined; one = ends.pop()) await one()
  }
  const keep = <T extends AsyncDisposable>(part: T): T => {
    ends.push(() => part[Symbol.asyncDispose]())
    return part
  }
  try {
    const etcd = masters > 1 ? keep(await startEtcd(3)) : undefined
    const ways: BreakableProxy[] = []
    const services: RunningService[] = []
    for (let index = 0; index < masters; index++) {
      const way = etcd && keep(await startBreakableProxy(memberFor(etcd, index)))
      if (way !== undefined) ways.push(way)
      const service = keep(await createService({ env: environment(index, way) }))
      keep(await diskAt(service.data))
      services.push(service)
    }
    const fleet = keep(new Fleet({ services, backends: BACKENDS, idle: slaves - BACKENDS, ttlMs: TTL_MS }))
    await fleet.start()
    const worlds: World[] = []
    for (const service of services) {
      const template = join(service.data, 'template')
      service.setEnvironment({ KONTROL_CONFIG_FILE: template })
      const world: World = { service, fleet, template, address: ownAddress() }
      await writeFile(template, firstTemplate(world))
      await service.start()
      worlds.push(world)
    }
    return { worlds, ensemble: etcd && { worlds, etcd, ways }, [Symbol.asyncDispose]: end }
  } catch (error) {
    await end()
    throw error
  }
}

const memberFor = ({ hosts }: EtcdCluster, index: number): string => hosts[index % hosts.length] as string

function environment(index: number, way: BreakableProxy | undefined): NodeJS.ProcessEnv {
  const own = { KONTROL_TTL: String(TTL_MS / 1000), KONTROL_DAMPER: '0.2', KONTROL_RELOAD_INTERVAL: '0.5' }
  const shared = { KONTROL_ID: idOf(index), KONTROL_IP: `127.3.0.${index + 1}`, KONTROL_FOVER: String(FOVER) }
  return way === undefined ? own : { ...own, ...shared, KONTROL_ETCD: way.url }
}

/** A small disk of its own, to be filled. */
async function diskAt(path: string): Promise<AsyncDisposable> {
  await command('mount', ['-t', 'tmpfs', '-o', 'size=64m', 'none', path])
  return { [Symbol.asyncDispose]: async () => void (await command('umount', ['-l', path])) }
}
