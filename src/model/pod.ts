import { parseKeepalive, type Keepalive } from './keepalive.ts'

/** A pod that is known to be alive: what it says of itself, and what the registry adds. */
export interface Pod extends Omit<Keepalive, 'down'> {
  /** Counts up from 0 with each pod that was unknown; stays while the pod lives. */
  seq: number
  /** Milliseconds since the epoch. */
  firstSeen: number
}

/** A pod with the times that move at each keepalive, as GET /api/v1/pods shows it. */
export interface PodStatus extends Pod {
  lastSeen: number
  expiresAt: number
  /** Kept although silent, as too many went silent at once. */
  held: boolean
}

/** So far below what a number holds that counting on is safe. */
const MAX_SEQ = 2 ** 50

/** Whether something may be a sequence number, or the counter of them. */
export const isSeq = (value: unknown): value is number =>
  Number.isInteger(value) && (value as number) >= 0 && (value as number) <= MAX_SEQ

/**
 * What a keepalive says of its pod, without the fields that are not there, and with what is added to it.
 *
 * Each field stands here by name. V8 gives an object that begins with a spread and gets more fields, as `{ ...said, seq }`,
 * a hidden class of its own: 350 bytes of each of 100,000 pods, and slow to read in all of them.
 */
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

/**
 * Checks a pod that comes from a store: whoever may write there must not be
 * able to do more than one who may send a keepalive.
 *
 * @param key under which it was found
 * @throws KontrolError KTL_KEEPALIVE_INVALID, or Error
 */
export function parsePod(key: string, value: unknown): Pod {
  const said = parseKeepalive(value, (problem) => {
    throw new Error(problem)
  })
  const { seq, firstSeen } = value as Record<string, unknown>
  if (said.key !== key) throw new Error(`it has the key "${said.key}"`)
  if (!isSeq(seq)) throw new Error('seq must be a whole number from 0')
  if (!Number.isFinite(firstSeen)) throw new Error('firstSeen must be milliseconds since the epoch')
  return podOf(said, { firstSeen: firstSeen as number, seq })
}
