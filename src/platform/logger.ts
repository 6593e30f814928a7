import pino, { type Logger } from 'pino'
import pretty from 'pino-pretty'

export type { Logger } from 'pino'

export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const
export type LogLevel = (typeof logLevels)[number]

/** JSON lines on stdout for machines, one short coloured line for a person at a terminal. */
export function createLogger(level: LogLevel, stdout: NodeJS.WriteStream = process.stdout): Logger {
  const options = { level, base: null, serializers: { err: pino.stdSerializers.err } }
  if (!stdout.isTTY) return pino(options, pino.destination({ dest: 1, sync: true }))
  return pino(
    options,
    pretty({ sync: true, translateTime: 'SYS:HH:MM:ss.l', ignore: 'pid,hostname', singleLine: true })
  )
}
