import type { Pod } from '../../../src/model/pod.ts'

/** A pod of the app `web`, told apart by its sequence number. */
export const makePod = (seq: number, change: Partial<Pod> = {}): Pod => ({
  app: 'web',
  id: `web-${seq}`,
  ip: `10.0.0.${seq}`,
  key: `k${seq}`,
  role: 'r',
  seq,
  firstSeen: 0,
  ...change
})
