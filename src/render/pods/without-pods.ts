import type { Pod } from '../../model/pod.ts'
import type { Hosts } from '../../model/snapshot.ts'

/** Pods that are not to be in a configuration, and why: a path into the pod, or what went wrong with it. */
export type Without = ReadonlyMap<Pod, string>

export const NOBODY: Without = new Map()

interface Fleet {
  readonly hosts: Hosts
  readonly pods?: ReadonlyMap<string, readonly Pod[]>
}

/** The same without some pods, and without the addresses that are theirs. */
export function withoutPods<T extends Fleet>(fleet: T, leftOut: Without): T {
  const { hosts, pods } = fleet
  if (leftOut.size === 0 || pods === undefined) return fleet
  const gone = new Map<string, Pod[]>()
  for (const pod of leftOut.keys()) gone.set(pod.app, [...(gone.get(pod.app) ?? []), pod])
  return {
    ...fleet,
    hosts: filtered(hosts, (app, ips) => withoutAddresses(ips, gone.get(app) ?? [])),
    pods: filtered(pods, (app, list) => (gone.has(app) ? list.filter((pod) => !leftOut.has(pod)) : list))
  }
}

/** Each of them once: another pod may have the same address. */
function withoutAddresses(ips: readonly string[], gone: readonly Pod[]): readonly string[] {
  if (gone.length === 0) return ips
  const counts = new Map<string, number>()
  for (const { ip } of gone) counts.set(ip, (counts.get(ip) ?? 0) + 1)
  return ips.filter((ip) => {
    const left = counts.get(ip) ?? 0
    counts.set(ip, left - 1)
    return left <= 0
  })
}

/** An app without pods is no app. */
function filtered<T>(
  apps: ReadonlyMap<string, readonly T[]>,
  filter: (app: string, items: readonly T[]) => readonly T[]
): ReadonlyMap<string, readonly T[]> {
  const kept = Array.from(apps, ([app, items]): [string, readonly T[]] => [app, filter(app, items)])
  return new Map(kept.filter(([app, items]) => items.length > 0 || apps.get(app)?.length === 0))
}
