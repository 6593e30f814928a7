import type { Keepalive } from '../model/keepalive.ts'
import type { Pod } from '../model/pod.ts'

/** What the registry knows of one pod. One object a pod for as long as it lives. */
export interface Entry {
  /** Replaced, never modified: snapshots share it. */
  pod: Pod
  /** The payload as text, to compare a repeated one without walking through it. */
  payloadText: string
  lastSeen: number
  held: boolean
  /** The store does not have `pod` yet. */
  unsaved: boolean
}

export function createEntry(pod: Pod, lastSeen: number): Entry {
  return { pod, payloadText: payloadText(pod.payload), lastSeen, held: false, unsaved: false }
}

/** The empty text stands for no payload: an empty string, which the original sends, is two quotes. */
const payloadText = (payload: unknown): string => (payload === undefined ? '' : JSON.stringify(payload))

const namedFields = ['app', 'id', 'ip', 'role', 'nonce'] as const
export type ChangedField = (typeof namedFields)[number] | 'payload'

const NOTHING: readonly ChangedField[] = []

/** What a keepalive says otherwise than `entry` does: almost always nothing, which costs one pass over its payload. */
export function changedFields(entry: Entry, said: Omit<Keepalive, 'down'>): readonly ChangedField[] {
  const { pod } = entry
  const samePayload = said.payload === pod.payload || payloadText(said.payload) === entry.payloadText
  if (samePayload && namedFields.every((field) => said[field] === pod[field])) return NOTHING
  const changed: ChangedField[] = namedFields.filter((field) => said[field] !== pod[field])
  return samePayload ? changed : [...changed, 'payload']
}

export function replacePod(entry: Entry, pod: Pod): void {
  entry.pod = pod
  entry.payloadText = payloadText(pod.payload)
}

/** What a keepalive says of its pod, without the fields that are not there, and with what the registry adds. */
export function podOf<Added extends object>(
  { app, id, ip, key, role, nonce, payload }: Omit<Keepalive, 'down'>,
  added: Added
): Omit<Keepalive, 'down'> & Added {
  return {
    app,
    id,
    ip,
    key,
    role,
    ...(nonce !== undefined && { nonce }),
    ...(payload !== undefined && { payload }),
    ...added
  }
}
