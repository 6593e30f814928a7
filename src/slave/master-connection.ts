/** How a slave reaches one master, whatever protocol that speaks. */
export interface MasterConnection {
  /** Hands over one keepalive; rejects when the master did not take it before the signal fired. */
  send(keepalive: string, signal: AbortSignal): Promise<void>
  close(): Promise<void>
}
