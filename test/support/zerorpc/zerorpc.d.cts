type Reply = (
  error: { name: string; message: string; traceback?: string } | null,
  result: unknown,
  more: boolean
) => void

export class Client {
  constructor(options?: { timeout?: number; heartbeatInterval?: number })
  connect(endpoint: string): void
  invoke(method: string, ...argumentsAndReply: unknown[]): void
  on(event: 'error', listener: (error: unknown) => void): void
  close(): void
}

export class Server {
  constructor(context: Record<string, (...args: never[]) => void>)
  bind(endpoint: string): void
  on(event: 'error', listener: (error: unknown) => void): void
  close(): void
}

export type { Reply }
