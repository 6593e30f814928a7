import pino, { type DestinationStream, type Logger } from 'pino'
import { KontrolError } from '../errors.ts'
import type { LogLevel } from './env-parsers.ts'

export type { Logger } from 'pino'

/**
 * JSON lines on stdout for machines, one short coloured line for a person at a terminal.
 *
 * @param copy gets each line as JSON too
 */
export async function createLogger(
  level: LogLevel,
  stdout: NodeJS.WriteStream & { fd: number } = process.stdout,
  copy?: DestinationStream
): Promise<Logger> {
  const options = { level, base: null, serializers: { err: errorForLog } }
  const main = stdout.isTTY ? await personal() : pino.destination({ dest: stdout.fd, sync: true })
  if (copy === undefined) return pino(options, main)
  return pino(
    options,
    pino.multistream([
      { stream: main, level: 'trace' },
      { stream: copy, level: 'trace' }
    ])
  )
}

/** Imported when needed: what no person watches need not carry it. */
async function personal(): Promise<DestinationStream> {
  const { default: pretty } = await import('pino-pretty')
  return pretty({ sync: true, translateTime: 'SYS:HH:MM:ss.l', ignore: 'pid,hostname', singleLine: true })
}

/** What this program raises on purpose needs no stack trace: its message says where. */
function errorForLog(error: Error): object {
  if (!(error instanceof KontrolError)) return pino.stdSerializers.err(error)
  const { code, message, hint } = error
  return { code, message, ...(hint !== undefined && { hint }) }
}
