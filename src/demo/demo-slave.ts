import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { KontrolError, messageOf } from '../errors.ts'
import type { Clock } from '../platform/clock.ts'
import type { Logger } from '../platform/logger.ts'
import { KeepaliveLoop } from '../slave/keepalive-loop.ts'

export interface DemoSlaveOptions {
  ip: string
  /** A port of that address, or the path of a unix socket. */
  listenOn: number | string
  master: string
  ttlMs: number
  clock: Clock
  logger: Logger
}

/** A real HTTP server that says who it is, and tells the master that it is alive. */
export class DemoSlave {
  readonly #server: Server
  readonly #loop: KeepaliveLoop

  constructor({ ip, listenOn, master, ttlMs, clock, logger }: DemoSlaveOptions) {
    this.#server = createServer((_request, response) => {
      response.setHeader('content-type', 'text/plain').end(`Served by ${ip}\n`)
    })
    if (typeof listenOn === 'number') this.#server.listen(listenOn, ip)
    else this.#server.listen(listenOn)
    this.#loop = new KeepaliveLoop({
      self: { app: 'demo', role: 'web', id: `demo-${ip.replaceAll('.', '-')}`, ip },
      masters: [master],
      port: 8000,
      ttlMs,
      payload: undefined,
      connectZerorpc: () => {
        throw new Error('the demo speaks HTTP')
      },
      clock,
      logger
    })
  }

  /** Resolves once it serves; then it begins to ping. */
  async start(): Promise<void> {
    try {
      await once(this.#server, 'listening')
    } catch (cause) {
      throw new KontrolError('KTL_PORT_TAKEN', `A slave of the demo cannot listen: ${messageOf(cause)}`, {
        hint: 'Stop what listens there, or give a template with another server port.',
        cause
      })
    }
    this.#loop.start()
  }

  async stop(): Promise<void> {
    await this.#loop.leave()
    this.#server.closeAllConnections()
    this.#server.close()
  }
}
