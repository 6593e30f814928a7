export interface StormOptions {
  minutes: number
  seed: number
  slaves: number
  /** Proxies, that share an etcd of three members when there are several. */
  masters: number
  /** Within which all must be well after a fault. */
  patienceMs: number
  /** Faults by name; all of them when empty. */
  only: readonly string[]
  /** File that takes what the processes said. */
  log: string
}

/** What came of a run. */
export interface Outcome {
  faults: number
  requests: number
  /** Requests that failed with a HAProxy that was killed, by fault. */
  lost: Record<string, number>
  /** The fault after which it took longest until all was well, and the milliseconds. */
  slowest: [string, number]
  /** What did not hold. */
  problems: string[]
  notes: string[]
}

export function noOutcome(): Outcome {
  return { faults: 0, requests: 0, lost: {}, slowest: ['nothing', 0], problems: [], notes: [] }
}
