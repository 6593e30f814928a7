import { shownAge } from './shown-time.ts'
import type { Column } from './table.ts'

/** What GET /api/v1/haproxy says of a server's state. */
export interface ServerState {
  status: string
  /** Absent where HAProxy does not tell. */
  since?: string
  /** What its checks found last. */
  check?: string
  left?: true
}

/** Heading of what `whyOf` tells. */
export const WHY: Column = { name: 'WHY', cut: 'end' }

export const shownStatus = ({ status, left }: ServerState): string => (left === true ? `${status} (left)` : status)

export const shownSince = ({ since }: ServerState): string => (since === undefined ? '-' : shownAge(since))

export const isDown = ({ status, left }: ServerState): boolean => left !== true && status.startsWith('DOWN')

/** What was found that it is down, or on its way there (`UP 1/3`). Who was taken out or has left is so by its status alone. */
export const whyOf = (server: ServerState): string =>
  isDown(server) || (server.left !== true && /^UP \d/.test(server.status)) ? (server.check ?? '') : ''
