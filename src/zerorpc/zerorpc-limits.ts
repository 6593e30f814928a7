/** What a peer may use before it is cut off. */
export interface ZerorpcLimits {
  connections: number
  /** Bytes and frames of one message. */
  messageBytes: number
  frames: number
  /** Calls of one connection that run at the same time. */
  calls: number
  /** Keepalives of one connection that are being taken: each is soon done, and none is refused. */
  pings: number
  /** Those of all connections. */
  allCalls: number
  /** Milliseconds for the handshake. */
  handshakeMs: number
  /** Milliseconds for one message to arrive whole, or for an answer to be read. */
  messageMs: number
  /** Milliseconds without a message or a running call. */
  idleMs: number
  /** Milliseconds from one heartbeat to the next while a call runs. */
  heartbeatMs: number
  /** Milliseconds after which a caller that used to send heartbeats counts as lost. */
  lostMs: number
}

export const defaultZerorpcLimits: ZerorpcLimits = {
  connections: 8192,
  // No command of a callback was longer than execve() takes, which is half of this.
  messageBytes: 256 * 1024,
  frames: 8,
  calls: 64,
  pings: 8192,
  allCalls: 1024,
  handshakeMs: 10_000,
  messageMs: 30_000,
  idleMs: 300_000,
  // Both as in Python's zerorpc, whose clients give up after two that are missing.
  heartbeatMs: 5_000,
  lostMs: 15_000
}
