import type { Pod } from '../../../src/model/pod.ts'
import type { Snapshot } from '../../../src/model/snapshot.ts'
import { PodsByApp } from '../../../src/registry/pods-by-app.ts'

/** As the registry would show these pods. */
export function takeSnapshot(pods: Iterable<Pod>): Snapshot {
  const roster = new PodsByApp()
  for (const pod of pods) roster.add(pod)
  return roster.snapshot()
}
