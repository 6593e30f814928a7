import pino, { type DestinationStream, type Logger } from 'pino'
import pretty from 'pino-pretty'
import { KontrolError } from '../errors.ts'

export type { Logger } from 'pino'

export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const
export type LogLevel = (typeof logLevels)[number]

/**
 * JSON lines on stdout for machines, one short coloured line for a person at a terminal.
 *
 * @param copy gets each line as JSON too
 */
export function createLogger(
  level: LogLevel,
  stdout: NodeJS.WriteStream = process.stdout,
  copy?: DestinationStream
): Logger {
  const options = { level, base: null, serializers: { err: errorForLog } }
  const main = stdout.isTTY ? personal() : pino.destination({ dest: 1, sync: true })
  if (copy === undefined) return pino(options, main)
  return pino(
    options,
    pino.multistream([
      { stream: main, level: 'trace' },
      { stream: copy, level: 'trace' }
    ])
  )
}

const personal = (): DestinationStream =>
  pretty({ sync: true, translateTime: 'SYS:HH:MM:ss.l', ignore: 'pid,hostname', singleLine: true })

/** What this program raises on purpose needs no stack trace: its message says where. */
function errorForLog(error: Error): object {
  if (!(error instanceof KontrolError)) return pino.stdSerializers.err(error)
  const { code, message, hint } = error
  return { code, message, ...(hint !== undefined && { hint }) }
}
