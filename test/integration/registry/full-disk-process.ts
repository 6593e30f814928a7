import { messageOf, findKontrolError } from '../../../src/errors.ts'
import { systemClock } from '../../../src/platform/clock.ts'
import { LmdbStore } from '../../../src/registry/lmdb-store.ts'
import { Registry } from '../../../src/registry/registry.ts'
import { silentLogger } from '../../support/test-logger.ts'
import { registryLimits } from '../../support/registry/registry-limits.ts'

/** A registry whose files may not grow beyond what `ulimit` allows: admits pods until one is refused, and tells how it stands. */
const registry = new Registry({
  store: new LmdbStore(String(process.argv[2]), silentLogger()),
  clock: systemClock,
  logger: silentLogger(),
  ttlMs: 60_000,
  panicThreshold: 0.5,
  limits: registryLimits
})
await registry.open()
const said = (key: string, payload: unknown) => ({ app: 'web', id: key, ip: '10.0.0.1', key, role: 'r', payload })
let refused = ''
for (let i = 0; i < 10_000 && refused === ''; i++) {
  try {
    await registry.keepalive(said(`k${i}`, 'x'.repeat(4000)))
  } catch (error) {
    refused = findKontrolError(error)?.code ?? messageOf(error)
  }
}
const before = registry.size
void registry.keepalive(said('k0', 'changed'))
void registry.keepalive({ ...said('k1', ''), down: true })
const { payload } = registry.snapshot().pods[0] ?? {}
process.stdout.write(JSON.stringify({ refused, before, after: registry.size, payload }))
await registry.close()
