import { KontrolError } from '../errors.ts'
import type { Snapshot } from '../model/snapshot.ts'
import type { Registry } from '../registry/registry.ts'

/** @throws KontrolError KTL_REGISTRY_FILLING while pods are missing from a registry that was lost */
export function completeSnapshot(registry: Registry): Snapshot {
  const { until } = registry.recovery
  if (until === undefined) return registry.snapshot()
  throw new KontrolError(
    'KTL_REGISTRY_FILLING',
    `The registry was lost: its pods have until ${new Date(until).toISOString()} to report`,
    { hint: 'Wait: HAProxy goes on with what it runs, and is configured then.' }
  )
}
