import { createHash } from 'node:crypto'
import type { Pod } from './pod.ts'

/**
 * Addresses of the live pods by app: what a template sees as `hosts`. A Map and
 * not an object, as an object would put an app named "10" before all others.
 */
export type Hosts = ReadonlyMap<string, readonly string[]>

/** The live pods at one moment. */
export interface Snapshot {
  /** In sequence order. */
  readonly pods: readonly Pod[]
  /** MD5 of the pods as lower-case hex pairs joined by colons; opaque to its readers. */
  readonly digest: string
}

/** The digest is worked out when it is first asked for: a reconfiguration of thousands of hosts does not wait for it. */
export function takeSnapshot(pods: Iterable<Pod>): Snapshot {
  const ordered = [...pods].sort((a, b) => a.seq - b.seq)
  let digest: string | undefined
  return {
    pods: ordered,
    get digest() {
      return (digest ??= digestOf(ordered))
    }
  }
}

function digestOf(pods: readonly Pod[]): string {
  const hash = createHash('md5')
  for (const { app, id, ip, key, role, nonce, payload, seq } of pods) {
    hash.update(JSON.stringify([seq, key, app, id, ip, role, nonce ?? null, payload ?? null]))
  }
  return hash.digest('hex').replace(/..(?=.)/g, '$&:')
}

/**
 * Groups the pods by app: apps sorted, pods in sequence order.
 *
 * @param ownApp the proxies' own app, which is never a backend of itself
 */
export function groupPods(pods: readonly Pod[], ownApp: string | undefined): ReadonlyMap<string, readonly Pod[]> {
  const groups = new Map<string, Pod[]>()
  for (const pod of pods) {
    if (pod.app === ownApp) continue
    const group = groups.get(pod.app)
    if (group === undefined) groups.set(pod.app, [pod])
    else group.push(pod)
  }
  return new Map([...groups].sort(byKey))
}

/** The same grouping with addresses alone. */
export function groupHosts(pods: readonly Pod[], ownApp: string | undefined): Hosts {
  return new Map([...groupPods(pods, ownApp)].map(([app, group]) => [app, group.map(({ ip }) => ip)]))
}

const byKey = ([a]: [string, unknown], [b]: [string, unknown]): number => (a < b ? -1 : 1)
