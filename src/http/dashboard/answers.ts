import type { Static } from 'typebox'
import type { Problem } from '../../errors.ts'
import type {
  AppBody,
  HaproxyBody,
  LifecycleStatus,
  MasterBody,
  PodBody,
  ReconfigurationBody,
  TrafficBody
} from '../description/bodies.ts'

// What the routes answer, as they are described.

export type App = Static<typeof AppBody>
export type Master = Static<typeof MasterBody>
export type Pod = Static<typeof PodBody>
export type Reconfiguration = Static<typeof ReconfigurationBody>
export type Lifecycle = Static<typeof LifecycleStatus>
export type Haproxy = Static<typeof HaproxyBody>
export type Proxy = Haproxy['proxies'][number]
export type Server = Proxy['servers'][number]
export type Traffic = Static<typeof TrafficBody>
export type TrafficSeries = Traffic['proxies'][number]
export type Figures = Exclude<keyof TrafficSeries, 'name' | 'side' | 'mode'>

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
