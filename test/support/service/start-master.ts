import type { Keepalive } from '../../../src/model/keepalive.ts'
import { systemClock } from '../../../src/platform/clock.ts'
import type { EtcdAccess } from '../../../src/registry/etcd/gateway.ts'
import { EtcdStore } from '../../../src/registry/etcd/store.ts'
import type { RegistryEvent } from '../../../src/registry/membership.ts'
import { Registry } from '../../../src/registry/registry.ts'
import { recordingLogger } from '../test-logger.ts'
import { registryLimits } from '../registry/registry-limits.ts'

export interface Master extends AsyncDisposable {
  registry: Registry
  events: RegistryEvent[]
  lines: Record<string, unknown>[]
  /** Keys and numbers, in order. */
  pods(): [key: string, seq: number][]
}

export interface MasterOptions {
  hosts: readonly string[]
  app: string
  ttlMs?: number
  foverMs?: number
  access?: EtcdAccess
}

/** A registry on an etcd store, in this process. */
export async function startMaster({
  hosts,
  app,
  ttlMs = 2000,
  foverMs = 2000,
  access = {}
}: MasterOptions): Promise<Master> {
  const { logger, lines } = recordingLogger()
  const store = new EtcdStore({
    hosts,
    access,
    namespace: 'test',
    app,
    id: 'master',
    foverMs,
    ttlMs,
    maxListedBytes: 2 ** 26,
    clock: systemClock,
    logger
  })
  const registry = new Registry({
    store,
    clock: systemClock,
    logger,
    ttlMs,
    panicThreshold: 0.5,
    limits: registryLimits
  })
  const events: RegistryEvent[] = []
  registry.subscribe((event) => void events.push(event))
  await registry.open()
  return {
    registry,
    events,
    lines,
    pods: () => registry.snapshot().pods.map(({ key, seq }) => [key, seq]),
    [Symbol.asyncDispose]: () => registry.close()
  }
}

export const keepalive = (key: string, more: Partial<Keepalive> = {}): Keepalive => ({
  app: 'web',
  id: `web-${key}`,
  ip: '10.0.0.1',
  key,
  role: 'server',
  ...more
})

/** Pods that ping until they are told to stop: each time the next of the masters, or all of them. */
export function startPods(
  keys: readonly string[],
  masters: readonly Master[],
  { everyMs, at = 'all' }: { everyMs: number; at?: 'all' | 'next' }
): Disposable {
  let turn = 0
  const ping = (): void => {
    const targets = at === 'all' ? masters : [masters[turn++ % masters.length] as Master]
    for (const { registry } of targets) {
      // A store out of reach refuses new pods; the next ping tries again.
      for (const key of keys) void Promise.resolve(registry.keepalive(keepalive(key))).catch(() => {})
    }
  }
  ping()
  const timer = setInterval(ping, everyMs)
  return { [Symbol.dispose]: () => clearInterval(timer) }
}
