import { connect } from 'node:net'
import { KontrolError } from '../../errors.ts'

export interface ExchangeOptions {
  /** Milliseconds of silence after which the answer is given up. */
  timeoutMs?: number | undefined
}

const DEFAULT_TIMEOUT_MS = 5_000

/**
 * Says one line to a unix socket of HAProxy and gives back the whole answer:
 * all until HAProxy ends the connection. A time-out is never taken for an end.
 *
 * Our side is closed after the line, without which the master keeps the
 * connection open for ever.
 *
 * @throws KontrolError KTL_HAPROXY_UNREACHABLE
 */
export async function exchange(path: string, line: string, options: ExchangeOptions = {}): Promise<string> {
  const { timeoutMs = DEFAULT_TIMEOUT_MS } = options
  // allowHalfOpen: HAProxy may still write after it has read our end.
  const socket = connect({ path, allowHalfOpen: true })
  socket.setTimeout(timeoutMs, () => socket.destroy(new Error(`no answer within ${timeoutMs} ms`)))
  socket.end(`${line}\n`)
  const chunks: Buffer[] = []
  try {
    for await (const chunk of socket) chunks.push(chunk as Buffer)
  } catch (cause) {
    throw new KontrolError('KTL_HAPROXY_UNREACHABLE', `"${abridged(line)}" got no answer on ${path}`, {
      cause,
      hint: 'Look at the log of HAProxy beside the socket, and at who may open the socket.'
    })
  } finally {
    socket.destroy()
  }
  return Buffer.concat(chunks).toString('utf8')
}

/** Whether there was nobody to ask as the socket is not there, which HAProxy never removes while it runs. */
export const isGone = (error: unknown): boolean => failedWith('ENOENT', error)

/** Whether nobody listens on the socket. */
export const isRefused = (error: unknown): boolean => failedWith('ECONNREFUSED', error)

/** Whether whoever had taken the connection let it go without a word. */
export const isReset = (error: unknown): boolean => failedWith('ECONNRESET', error)

function failedWith(code: string, error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if ((cause as NodeJS.ErrnoException).code === code) return true
  }
  return false
}

const abridged = (line: string): string => (line.length > 80 ? `${line.slice(0, 77)}...` : line)
