import type { Clock } from '../platform/clock.ts'
import { Poller } from '../platform/poller.ts'
import { statRows } from './haproxy-samples.ts'

export interface TrafficOptions {
  /** Sends a command to HAProxy's runtime socket; rejects while HAProxy is away. */
  ask: (command: string) => Promise<string>
  clock: Clock
}

/** What is told of a frontend or backend, one value for each moment; null where it is not known. */
interface TrafficSeries {
  name: string
  side: 'frontend' | 'backend'
  mode: string
  /** Requests a second; sessions a second where HAProxy carries bytes only. */
  requests: (number | null)[]
  /** Answers with a status of 4xx and of 5xx, a second. */
  errors4xx: (number | null)[]
  errors5xx: (number | null)[]
  sessions: (number | null)[]
  /** Requests that wait for a server. */
  queue: (number | null)[]
  /** Milliseconds of a whole request, of HAProxy's last 1,024. */
  latency: (number | null)[]
  latencyMax: (number | null)[]
  /** Servers that take requests, backup servers among them; null of a frontend. */
  usable: (number | null)[]
}

export interface TrafficHistory {
  /** When HAProxy was asked, in milliseconds since the epoch. */
  at: number[]
  proxies: TrafficSeries[]
  /** Frontends and backends that are not remembered, as there are too many. */
  leftOut: number
}

const INTERVAL_MS = 5_000
/** A quarter of an hour, and what the first rate is counted from. */
const KEPT = 181
/** Frontends and backends: 200 of them are 3 MB of figures. */
const MOST_PROXIES = 200

/** Frontends and backends of all sections, without servers and listeners. */
const COMMAND = 'show stat -1 3 -1'

interface Row {
  name: string
  side: 'frontend' | 'backend'
  mode: string
  /** Counted since the worker began. */
  requests: number
  errors4xx: number
  errors5xx: number
  sessions: number
  queue: number | null
  latency: number | null
  latencyMax: number | null
  usable: number | null
}

interface Sample {
  at: number
  rows: Map<string, Row>
  leftOut: number
}

/** Remembers what went through HAProxy during the last quarter of an hour. */
export class Traffic {
  readonly #options: TrafficOptions
  readonly #poller: Poller
  #samples: Sample[] = []

  constructor(options: TrafficOptions) {
    this.#options = options
    this.#poller = new Poller({
      clock: options.clock,
      intervalMs: INTERVAL_MS,
      poll: () => this.#look(),
      // HAProxy is away: that is told elsewhere, and here it is a gap.
      onError: () => this.#add({ at: options.clock.now(), rows: new Map(), leftOut: 0 })
    })
  }

  start(): void {
    this.#poller.startNow()
  }

  async stop(): Promise<void> {
    await this.#poller.stop()
  }

  /** @param after milliseconds since the epoch: only what was seen later */
  since(after = 0): TrafficHistory {
    const samples = this.#samples
    // The oldest is there for the rate of the one behind it.
    const shown = samples.flatMap((_, index) => (index > 0 && (samples[index]?.at ?? 0) > after ? [index] : []))
    const proxies = new Map<string, TrafficSeries>()
    for (const [place, index] of shown.entries()) {
      const [former, sample] = [samples[index - 1], samples[index]]
      for (const [key, row] of sample?.rows ?? []) {
        const series = proxies.get(key) ?? emptySeries(row, shown.length)
        proxies.set(key, series)
        fill(series, place, row, rateSince(former, sample, key))
      }
    }
    return {
      at: shown.map((index) => samples[index]?.at ?? 0),
      proxies: [...proxies.values()],
      leftOut: samples.at(-1)?.leftOut ?? 0
    }
  }

  async #look(): Promise<void> {
    const { ask, clock } = this.#options
    const rows = await readRows(await ask(COMMAND))
    this.#add({
      at: clock.now(),
      rows: new Map(rows.slice(0, MOST_PROXIES)),
      leftOut: Math.max(0, rows.length - MOST_PROXIES)
    })
  }

  #add(sample: Sample): void {
    this.#samples = [...this.#samples.slice(1 - KEPT), sample]
  }
}

function emptySeries({ name, side, mode }: Row, length: number): TrafficSeries {
  const unknown = (): null[] => Array.from({ length }, () => null)
  return {
    name,
    side,
    mode,
    requests: unknown(),
    errors4xx: unknown(),
    errors5xx: unknown(),
    sessions: unknown(),
    queue: unknown(),
    latency: unknown(),
    latencyMax: unknown(),
    usable: unknown()
  }
}

type Rate = (counter: 'requests' | 'errors4xx' | 'errors5xx') => number | null

function fill(series: TrafficSeries, index: number, row: Row, rate: Rate): void {
  for (const counter of ['requests', 'errors4xx', 'errors5xx'] as const) series[counter][index] = rate(counter)
  for (const gauge of ['sessions', 'queue', 'latency', 'latencyMax', 'usable'] as const)
    series[gauge][index] = row[gauge]
}

/** What a counter grew by a second. A worker that begins counts from 0, so a smaller count is one that began anew. */
function rateSince(before: Sample | undefined, now: Sample | undefined, key: string): Rate {
  const [former, row] = [before?.rows.get(key), now?.rows.get(key)]
  if (before === undefined || now === undefined || former === undefined || row === undefined) return () => null
  const seconds = (now.at - before.at) / 1000
  return (counter) => {
    if (seconds <= 0) return null
    const grown = row[counter] < former[counter] ? row[counter] : row[counter] - former[counter]
    return Math.round((grown / seconds) * 100) / 100
  }
}

async function readRows(csv: string): Promise<[string, Row][]> {
  return (await statRows(csv)).map((cells) => {
    const text = (name: string): string => cells.get(name) ?? ''
    const gauge = (name: string): number | null => (text(name) === '' ? null : Number(text(name)))
    const side = text('svname') === 'FRONTEND' ? 'frontend' : 'backend'
    const row: Row = {
      name: text('pxname'),
      side,
      mode: text('mode'),
      // Of a backend of requests, HAProxy counts each as a session.
      requests: Number(text('req_tot') || text('stot')),
      errors4xx: Number(text('hrsp_4xx')),
      errors5xx: Number(text('hrsp_5xx')),
      sessions: Number(text('scur')),
      queue: gauge('qcur'),
      latency: gauge('ttime'),
      latencyMax: gauge('ttime_max'),
      usable: side === 'backend' ? Number(text('act')) + Number(text('bck')) : null
    }
    return [`${side} ${row.name}`, row]
  })
}
