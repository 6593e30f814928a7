import { createHash } from 'node:crypto'
import { KontrolError } from '../errors.ts'
import { stringifyJson } from './json/json.ts'
import type { Pod } from './pod.ts'

/**
 * Addresses of the live pods by app: what a template sees as `hosts`. A Map and
 * not an object, as an object would put an app named "10" before all others.
 */
export type Hosts = ReadonlyMap<string, readonly string[]>

/** The live pods of one app, and their addresses. */
export interface AppPods {
  /** In sequence order. */
  readonly pods: readonly Pod[]
  /** One for each pod, in the same order. */
  readonly ips: readonly string[]
}

/** The live pods by app, without the proxies' own. */
export type Backends = ReadonlyMap<string, AppPods>

/** The live pods at one moment. */
export interface Snapshot {
  readonly apps: ReadonlyMap<string, AppPods>
  /** Of all apps, in sequence order. */
  readonly pods: readonly Pod[]
  /** MD5 of the pods as lower-case hex pairs joined by colons; opaque to its readers. */
  readonly digest: string
}

/** What takes a look at all pods is worked out when it is first asked for: a reconfiguration does not wait for it. */
export function snapshotOf(apps: ReadonlyMap<string, AppPods>): Snapshot {
  let ordered: readonly Pod[] | undefined
  let digest: string | undefined
  const snapshot = {
    apps,
    get pods() {
      return (ordered ??= inSequence([...apps.values()].flatMap(({ pods }) => pods)))
    },
    get digest() {
      return (digest ??= digestOf(snapshot.pods))
    }
  }
  return snapshot
}

export function appPodsOf(pods: Iterable<Pod>): AppPods {
  const ordered = inSequence([...pods])
  return { pods: ordered, ips: ordered.map(({ ip }) => ip) }
}

/** In place. */
function inSequence(pods: Pod[]): readonly Pod[] {
  return pods.sort((one, other) => one.seq - other.seq)
}

function digestOf(pods: readonly Pod[]): string {
  const hash = createHash('md5')
  for (const { app, id, ip, key, role, nonce, payload, seq } of pods) {
    hash.update(stringifyJson([seq, key, app, id, ip, role, nonce ?? null, payload ?? null]))
  }
  return hash.digest('hex').replace(/..(?=.)/g, '$&:')
}

/**
 * The backends: apps sorted, pods in sequence order.
 *
 * @param ownApp the proxies' own app, which is never a backend of itself
 */
export function backendsOf({ apps }: Snapshot, ownApp: string | undefined): Backends {
  return new Map([...apps].filter(([app]) => app !== ownApp).sort(byKey))
}

/** The same with addresses alone. */
export function hostsOf(snapshot: Snapshot, ownApp: string | undefined): Hosts {
  return addressesOf(backendsOf(snapshot, ownApp))
}

export const addressesOf = (backends: Backends): Hosts => new Map(Array.from(backends, ([app, { ips }]) => [app, ips]))

export const podsOf = (backends: Backends): ReadonlyMap<string, readonly Pod[]> =>
  new Map(Array.from(backends, ([app, { pods }]) => [app, pods]))

/** What is needed of a registry to know who is alive. */
export interface LivePods {
  snapshot(): Snapshot
  /** Until when, in milliseconds since the epoch, pods are missing from a registry that was lost. */
  readonly recovery: { readonly until: number | undefined }
}

/** @throws KontrolError KTL_REGISTRY_FILLING while pods are missing from a registry that was lost */
export function completeSnapshot(registry: LivePods): Snapshot {
  const { until } = registry.recovery
  if (until === undefined) return registry.snapshot()
  throw new KontrolError(
    'KTL_REGISTRY_FILLING',
    `The registry was lost: its pods have until ${new Date(until).toISOString()} to report`,
    { hint: 'Wait: HAProxy goes on with what it runs, and is configured then.' }
  )
}

const byKey = ([a]: [string, unknown], [b]: [string, unknown]): number => (a < b ? -1 : 1)
