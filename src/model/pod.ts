import type { Keepalive } from './keepalive.ts'

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
