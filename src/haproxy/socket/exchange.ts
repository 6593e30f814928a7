import { connect, type Socket } from 'node:net'
import { KontrolError } from '../../errors.ts'

export interface ExchangeOptions {
  /** Milliseconds of silence after which the answer is given up. */
  timeoutMs?: number | undefined
  /** Nothing is an answer, too. Elsewhere it is that of a process that let the connection go. */
  mayBeSilent?: boolean
}

class LetGo extends Error {}

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
  return await connected(path, line, options, async (socket, read) => {
    socket.end(`${line}\n`)
    const answer = await read()
    if (answer === '' && options.mayBeSilent !== true) throw new LetGo('HAProxy ended the connection without a word')
    return answer
  })
}

/** What HAProxy writes where a connection may say more than one line. */
const PROMPT = /\n> /g

/**
 * Asks, and says more on the same connection only when the answer is by who is meant: one connection is one worker from
 * its first word to its last.
 *
 * @param next the line to say after this answer; undefined: none
 * @returns the whole answer to that line; undefined when none was said
 * @throws KontrolError KTL_HAPROXY_UNREACHABLE, and what `next` throws
 */
export async function exchangeAfter(
  path: string,
  question: string,
  next: (answer: string) => string | undefined
): Promise<string | undefined> {
  return await connected(path, question, {}, async (socket, read) => {
    socket.write(`prompt;${question}\n`)
    // Up to 3.0 there is a prompt behind each answer, later one behind each line. Only the answer ends with an empty line.
    const line = next(await read('\n\n> '))
    if (line === undefined) return undefined
    socket.end(`${line}\n`)
    return (await read()).replaceAll(PROMPT, '\n')
  })
}

async function connected<T>(
  path: string,
  line: string,
  { timeoutMs = DEFAULT_TIMEOUT_MS }: ExchangeOptions,
  talk: (socket: Socket, read: (until?: string) => Promise<string>) => Promise<T>
): Promise<T> {
  // allowHalfOpen: HAProxy may still write after it has read our end.
  const socket = connect({ path, allowHalfOpen: true })
  socket.setTimeout(timeoutMs, () => socket.destroy(new Error(`no answer within ${timeoutMs} ms`)))
  const incoming = socket[Symbol.asyncIterator]() as AsyncIterator<Buffer, undefined>
  try {
    return await talk(socket, (until) => readFrom(incoming, until))
  } catch (cause) {
    if (cause instanceof KontrolError) throw cause
    throw new KontrolError('KTL_HAPROXY_UNREACHABLE', `"${abridged(line)}" got no answer on ${path}`, {
      cause,
      hint: 'Look at the log of HAProxy beside the socket, and at who may open the socket.'
    })
  } finally {
    socket.destroy()
  }
}

/** All that comes: until these words, else until the end. */
async function readFrom(incoming: AsyncIterator<Buffer, undefined>, until?: string): Promise<string> {
  const chunks: Buffer[] = []
  let tail = ''
  for (;;) {
    const { value: chunk } = await incoming.next()
    if (chunk === undefined && until !== undefined) throw new Error('HAProxy ended the connection')
    if (chunk !== undefined) chunks.push(chunk)
    if (until !== undefined) tail = `${tail}${chunk?.toString('latin1') ?? ''}`.slice(-until.length)
    if (chunk === undefined || tail === until) return Buffer.concat(chunks).toString('utf8')
  }
}

/** Whether there was nobody to ask as the socket is not there, which HAProxy never removes while it runs. */
export const isGone = (error: unknown): boolean => causesOf(error).some(withCode('ENOENT'))

/** Whether nobody listens on the socket. */
export const isRefused = (error: unknown): boolean => causesOf(error).some(withCode('ECONNREFUSED'))

/** Whether whoever had taken the connection let it go without a word. */
export const isReset = (error: unknown): boolean =>
  causesOf(error).some((cause) => cause instanceof LetGo || withCode('ECONNRESET', 'EPIPE')(cause))

function causesOf(error: unknown): Error[] {
  const causes: Error[] = []
  for (let cause = error; cause instanceof Error; cause = cause.cause) causes.push(cause)
  return causes
}

const withCode =
  (...codes: readonly string[]) =>
  (cause: NodeJS.ErrnoException): boolean =>
    codes.includes(cause.code ?? '')

const abridged = (line: string): string => (line.length > 80 ? `${line.slice(0, 77)}...` : line)
