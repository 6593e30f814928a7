import { LmdbStore } from '../../../src/registry/lmdb-store.ts'
import { Registry } from '../../../src/registry/registry.ts'
import { systemClock } from '../../../src/platform/clock.ts'
import { silentLogger } from '../../support/test-logger.ts'
import { registryLimits } from '../../support/registry/registry-limits.ts'

/**
 * A registry in a process of its own, to be killed: admits, changes and drops
 * pods without a pause, and prints a line for each pod that is recorded.
 */
const [, , folder, prefix] = process.argv
const registry = new Registry({
  store: new LmdbStore(String(folder), silentLogger()),
  clock: systemClock,
  logger: silentLogger(),
  ttlMs: 60_000,
  panicThreshold: 0.5,
  limits: registryLimits
})
await registry.open()
process.stdout.write(`open ${registry.size}\n`)
for (let round = 0; round < 10_000; round++) {
  const keys = Array.from({ length: 10 }, (_, i) => `${prefix}-${round}-${i}`)
  const said = (key: string) => ({ app: 'web', id: key, ip: '10.0.0.1', key, role: 'r', payload: { round } })
  await Promise.all(keys.map(async (key) => registry.keepalive(said(key))))
  for (const { key, seq } of registry.snapshot().pods.slice(-10)) process.stdout.write(`up ${key} ${seq}\n`)
  await registry.saveCallbackRun({ digest: 'aa', state: JSON.stringify({ round }) }, 0)
  const leaving = `${prefix}-${round}-0`
  void registry.keepalive({ ...said(leaving), down: true })
  void registry.keepalive({ ...said(`${prefix}-${round}-1`), payload: { changed: true } })
}
