import type { Problem } from './live/control-tier.ts'

// What the routes answer, as far as the page shows it; docs/http-api.md describes them.

export interface App {
  app: string
  pods: number
  held: number
  matching: number
}

export interface Pod {
  app: string
  id: string
  ip: string
  key: string
  role: string
  payload: unknown
  firstSeen: string
  lastSeen: string
  held: boolean
}

interface Side {
  status: string
  sessions: number
  totalSessions: number
  bytesIn: number
  bytesOut: number
}

export interface Server extends Side {
  name: string
  address: string
  /** Its pod has gone. */
  left?: true
}

export interface Proxy {
  name: string
  frontend?: Side
  backend?: Side
  /** Only of the proxy that was asked for. */
  servers: Server[]
  serverCount: { all: number; down: number; out: number; names: string[] }
}

export interface Haproxy {
  version: string
  pid: number
  uptimeSeconds: number
  reloads: number
  workerPid?: number
  oldWorkers: { pid: number; uptimeSeconds: number; connections?: number }[]
  proxies: Proxy[]
}

export type Figures =
  'requests' | 'errors4xx' | 'errors5xx' | 'sessions' | 'queue' | 'latency' | 'latencyMax' | 'usable'

export type TrafficSeries = { name: string; side: 'frontend' | 'backend'; mode: string } & Record<
  Figures,
  (number | null)[]
>

export interface Traffic {
  at: string[]
  proxies: TrafficSeries[]
  leftOut: number
}

export interface Reconfiguration {
  id: number
  cause: string
  startedAt: string
  plan: string | null
  operations: number
  reasons: string[]
  phases: Record<string, number>
  outcome: string
  error: Problem | null
  diff: string
}

export interface Lifecycle {
  state: string
  since: string
  running: boolean
  queue: { tag: string }[]
  states: { tag: string; terminal: boolean; on?: Record<string, string>; next: string[] }[]
  history: { tag: string; input: string; startedAt: string; ms: number; outcome: string }[]
}

export interface DnsRecord {
  name: string
  type: string
  ttl: number
  wanted: string[]
  found?: string[]
  changeStatus?: string
  lastError?: Problem
  lastChecked?: string
  note?: string
}

export interface Dns {
  enabled: boolean
  leader: boolean
  dryRun: boolean
  note?: string
  records: DnsRecord[]
}

export type Level = 'ok' | 'warn' | 'bad' | 'idle'

/** How a status of HAProxy's is to be taken: `UP`, `UP 1/3`, `OPEN` and `no check` serve. */
export function levelOf(status: string): Level {
  if (status.startsWith('DOWN')) return 'bad'
  if (/^(?:UP|OPEN|no check)/.test(status)) return status.includes('/') ? 'warn' : 'ok'
  return 'idle'
}
