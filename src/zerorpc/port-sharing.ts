import type { Server, Socket } from 'node:net'
import { Server as TlsServer } from 'node:tls'

export interface PortSharingOptions {
  /** Takes a connection that speaks ZMTP, and what it has sent; such connections are closed when absent. */
  zmtp?: ((socket: Socket, firstChunk: Buffer) => void) | undefined
  /** Takes a connection that begins a TLS handshake, with nothing read from it; without it they go to a server that speaks TLS, and are closed by another. */
  tls?: ((socket: Socket) => void) | undefined
  /** Milliseconds in which a client has to send its first byte. */
  sniffTimeoutMs?: number
}

export interface PortSharing {
  /** Closes the connections that have sent nothing yet; server.close() would wait for them. */
  close(): void
}

const ZMTP_SIGNATURE = 0xff
const TLS_HANDSHAKE = 0x16
const DEFAULT_TIMEOUT_MS = 10_000

/**
 * Lets other protocols share the port of an HTTP server: the first byte of a
 * connection tells which one it is, as neither 0xff nor 0x16 begins a method.
 * It puts itself in the place of the server's own connection listener and
 * hands over to it, so that all of the server's time-outs stay in force.
 */
export function sharePort(server: Server, options: PortSharingOptions): PortSharing {
  const [serve] = server.listeners('connection') as ((socket: Socket) => void)[]
  if (serve === undefined) throw new TypeError('The server has no connection listener')
  const waiting = new Set<Socket>()

  const route = (socket: Socket, firstChunk: Buffer): void => {
    const [first] = firstChunk
    if (first === ZMTP_SIGNATURE) {
      if (options.zmtp === undefined) socket.destroy()
      else options.zmtp(socket, firstChunk)
      return
    }
    if (first === TLS_HANDSHAKE && options.tls === undefined && !(server instanceof TlsServer)) {
      socket.destroy()
      return
    }
    socket.unshift(firstChunk)
    if (first === TLS_HANDSHAKE) {
      // A TLS socket takes what has been read as soon as it is made; flowing would lose it.
      ;(options.tls ?? serve).call(server, socket)
      return
    }
    serve.call(server, socket)
    // The server's listener does not resume a socket that was paused.
    process.nextTick(() => socket.resume())
  }

  const sniff = (socket: Socket): void => {
    waiting.add(socket)
    const drop = (): void => void socket.destroy()
    const settle = (): void => {
      waiting.delete(socket)
      socket.setTimeout(0)
      socket.off('timeout', drop).off('end', drop).off('error', drop).off('close', settle).off('data', take)
    }
    const take = (chunk: Buffer): void => {
      socket.pause()
      settle()
      route(socket, chunk)
    }
    socket.on('timeout', drop).on('end', drop).on('error', drop).on('close', settle).on('data', take)
    socket.setTimeout(options.sniffTimeoutMs ?? DEFAULT_TIMEOUT_MS)
  }

  server.off('connection', serve)
  server.prependListener('connection', sniff)
  return {
    close() {
      for (const socket of waiting) socket.destroy()
    }
  }
}
