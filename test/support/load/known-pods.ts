import { join } from 'node:path'
import { Pool } from 'undici'
import type { Keepalive } from '../../../src/model/keepalive.ts'
import { systemClock, type Clock } from '../../../src/platform/clock.ts'
import { LmdbStore } from '../../../src/registry/lmdb-store.ts'
import { Registry } from '../../../src/registry/registry.ts'
import { silentLogger } from '../test-logger.ts'
import { registryLimits } from '../registry/registry-limits.ts'

const CONNECTIONS = 32
const AT_ONCE = 1_000

/** The keepalive of one pod of a fleet, as a slave with a small payload sends it. */
export const keepaliveOf = (pod: number, apps: number): Keepalive => ({
  app: `app-${pod % apps}`,
  id: `app-${pod % apps}-${pod}`,
  ip: `10.${pod >> 16}.${(pod >> 8) & 255}.${pod & 255}`,
  key: `k${pod.toString(36)}`,
  role: 'server',
  nonce: pod.toString(16).padStart(16, '0'),
  payload: { zone: 'a', port: 8080 }
})

/** The registry of a data folder whose program does not run yet. */
export async function openRegistry(dataFolder: string, clock: Clock = systemClock): Promise<Registry> {
  const registry = new Registry({
    store: new LmdbStore(join(dataFolder, 'registry'), silentLogger()),
    clock,
    logger: silentLogger(),
    ttlMs: 3_600_000,
    panicThreshold: 0.5,
    limits: registryLimits
  })
  await registry.open()
  return registry
}

/** All of them, at once as far as that goes. */
export async function admit(registry: Registry, all: readonly Keepalive[]): Promise<void> {
  for (let at = 0; at < all.length; at += AT_ONCE) {
    await Promise.all(all.slice(at, at + AT_ONCE).map(async (keepalive) => registry.keepalive(keepalive)))
  }
}

/** So many pods are known to the program that will start with this data folder. */
export async function seedRegistry(dataFolder: string, pods: number, apps: number): Promise<void> {
  const registry = await openRegistry(dataFolder)
  await admit(
    registry,
    Array.from({ length: pods }, (_, pod) => keepaliveOf(pod, apps))
  )
  await registry.close()
}

/** The same by keepalives over HTTP, each of which must be taken. */
export async function announce(url: string, pods: number, apps: number): Promise<void> {
  const pool = new Pool(url, { connections: CONNECTIONS })
  let next = 0
  const work = async (): Promise<void> => {
    while (next < pods) await sendKeepalive(pool, keepaliveOf(next++, apps))
  }
  await Promise.all(Array.from({ length: CONNECTIONS }, work))
  await pool.close()
}

/** @throws Error when it was not taken */
export async function sendKeepalive(pool: Pool, keepalive: object): Promise<void> {
  const { statusCode, body } = await pool.request({ path: '/ping', method: 'PUT', body: JSON.stringify(keepalive) })
  const text = await body.text()
  if (statusCode !== 200 || text !== '') throw new Error(`a keepalive was answered with ${statusCode} "${text}"`)
}
