import { setTimeout as sleep } from 'node:timers/promises'
import type { ControlTier } from './control-tier.ts'
import { eventually } from '../eventually.ts'
import { fleetIp } from './fleet-config.ts'

/** Announces so many pods of app `fleet`, and waits until HAProxy has them all and the machine is quiet again. */
export async function warmFleet(tier: ControlTier, size: number): Promise<void> {
  const all = Array.from({ length: size }, (_, n) => ({ app: 'fleet', id: `fleet-${n}`, ip: fleetIp(n), key: `f${n}` }))
  for (let at = 0; at < size; at += 500) {
    await Promise.all(all.slice(at, at + 500).map(async (keepalive) => await tier.ping(keepalive)))
  }
  await eventually(async () => {
    const config = await tier.get('/api/v1/config')
    const servers = config.match(/server fleet-/g) ?? []
    return servers.length === size && (await tier.get('/readyz')) !== ''
  }, 120_000)
  // The check of the file, which is behind the change.
  await sleep(2_000 + size / 2)
}

export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((one, other) => one - other)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN
}
