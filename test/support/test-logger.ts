import pino from 'pino'
import type { Logger } from '../../src/platform/logger.ts'

export interface RecordingLogger {
  logger: Logger
  /** Every line so far, parsed. */
  lines: Record<string, unknown>[]
}

export const silentLogger = (): Logger => pino({ level: 'silent' })

/** For tests that check what an operator is told. */
export function recordingLogger(): RecordingLogger {
  const lines: Record<string, unknown>[] = []
  const logger = pino(
    { level: 'trace', base: null },
    { write: (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>) }
  )
  return { logger, lines }
}
