import type { Keepalive } from '../model/keepalive.ts'
import type { Pod } from '../model/pod.ts'
import { stringifyJson } from '../model/json/json.ts'

/** What the registry knows of one pod. One object a pod for as long as it lives. */
export interface Entry {
  /** Replaced, never modified: snapshots share it. */
  pod: Pod
  /** The payload as text, to compare a repeated one without walking through it. */
  payloadText: string
  payloadBytes: number
  /** Who sent its first keepalive; undefined for one that came from a store, or from somebody trusted. */
  readonly peer: string | undefined
  lastSeen: number
  /** Other nonces that were said for this pod, see rememberNonce(). */
  nonces: ReadonlyMap<string, NonceUse> | undefined
  held: boolean
  /** Apps that had this key before, and when each lost it. */
  displaced: ReadonlyMap<string, number> | undefined
  /** The store does not have `pod` yet. */
  unsaved: boolean
}

export function createEntry(pod: Pod, lastSeen: number, peer?: string): Entry {
  const text = payloadText(pod.payload)
  const payload = { payloadText: text, payloadBytes: Buffer.byteLength(text) }
  return { pod, ...payload, peer, lastSeen, nonces: undefined, held: false, displaced: undefined, unsaved: false }
}

export const bytesOf = (payload: unknown): number => Buffer.byteLength(payloadText(payload))

/** The empty text stands for no payload: an empty string, which the original sends, is two quotes. */
const payloadText = (payload: unknown): string => (payload === undefined ? '' : stringifyJson(payload))

const namedFields = ['app', 'id', 'ip', 'role', 'nonce'] as const
export type ChangedField = (typeof namedFields)[number] | 'payload'

const NOTHING: readonly ChangedField[] = []

/**
 * A nonce that another one took the place of: `former` until it is said again.
 * One that is said again is no former process but the same slave: Kontrol's
 * slaves tell each of their masters another nonce.
 */
type NonceUse = 'former' | 'alternating'

/** As many masters as one slave may have; a slave that restarts over and over must not fill the memory. */
const MAX_NONCES = 8

function rememberNonce(entry: Entry, next: string | undefined): void {
  const { nonce } = entry.pod
  if (nonce === undefined || next === undefined || nonce === next) return
  const known = [...(entry.nonces ?? [])].filter(([other]) => other !== next && other !== nonce)
  entry.nonces = new Map([...known, [nonce, 'former'] as const].slice(-MAX_NONCES))
}

/** Whether a slave that several masters share says the nonce that it tells another one of them. */
export function isOtherNonce(entry: Entry, nonce: string | undefined): boolean {
  if (entry.nonces === undefined || nonce === undefined || !entry.nonces.has(nonce)) return false
  if (entry.nonces.get(nonce) === 'former') entry.nonces = new Map([...entry.nonces, [nonce, 'alternating']])
  return true
}

/** Whether a goodbye comes from a process that another one has taken the place of since. */
export function isLateGoodbye(entry: Entry, nonce: string | undefined): boolean {
  return nonce !== undefined && entry.nonces?.get(nonce) === 'former'
}

/** What a keepalive says otherwise than `entry` does: almost always nothing, which costs one pass over its payload. */
export function changedFields(entry: Entry, said: Omit<Keepalive, 'down'>): readonly ChangedField[] {
  const { pod } = entry
  const samePayload = said.payload === pod.payload || payloadText(said.payload) === entry.payloadText
  if (samePayload && namedFields.every((field) => said[field] === pod[field])) return NOTHING
  const changed: ChangedField[] = namedFields.filter((field) => said[field] !== pod[field])
  return samePayload ? changed : [...changed, 'payload']
}

/** As many apps as may be on one host without its registry growing without end. */
const MAX_DISPLACED = 8

function rememberApp(entry: Entry, next: string, now: number): void {
  const { app } = entry.pod
  if (app === next) return
  const others = [...(entry.displaced ?? [])].filter(([other]) => other !== next && other !== app)
  entry.displaced = new Map([...others, [app, now] as const].slice(-MAX_DISPLACED))
}

export function replacePod(entry: Entry, pod: Pod, now: number): void {
  rememberNonce(entry, pod.nonce)
  rememberApp(entry, pod.app, now)
  entry.pod = pod
  entry.payloadText = payloadText(pod.payload)
  entry.payloadBytes = Buffer.byteLength(entry.payloadText)
}
