import { readFileSync } from 'node:fs'
import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { messageOf } from '../errors.ts'
import type { Reconfiguration } from '../model/reconfiguration.ts'
import type { Logger } from '../platform/logger.ts'
import { RotatingFile } from '../platform/rotating-file.ts'

/** As much again lies in the file before it. */
const MAX_BYTES = 1024 * 1024

const Entry = Compile(
  Type.Object({
    id: Type.Integer({ minimum: 1 }),
    cause: Type.String(),
    causedAt: Type.Number(),
    startedAt: Type.Number(),
    plan: Type.Union([Type.Literal('none'), Type.Literal('runtime'), Type.Literal('reload'), Type.Null()]),
    operations: Type.Number(),
    reasons: Type.Array(Type.String()),
    phases: Type.Record(Type.String({ pattern: '^(?:render|configure|restart)$' }), Type.Number()),
    outcome: Type.Union((['unchanged', 'applied', 'reloaded', 'failed'] as const).map((one) => Type.Literal(one))),
    error: Type.Union([
      Type.Object({ code: Type.String(), message: Type.String(), hint: Type.Optional(Type.String()) }),
      Type.Null()
    ]),
    diff: Type.String()
  })
)

/**
 * Reconfigurations that have ended, a line of JSON each, for the next start. Nothing depends on it: what cannot be
 * read is left out, and what cannot be written is told once and done without.
 */
export class HistoryFile {
  readonly #path: string
  readonly #file: RotatingFile | undefined

  constructor(path: string, logger: Logger) {
    this.#path = path
    try {
      this.#file = new RotatingFile({ path, maxBytes: MAX_BYTES, backups: 1 })
      // A kill may have cut the last line.
      this.#file.write('\n')
    } catch (error) {
      logger.warn({ reason: messageOf(error) }, 'reconfigurations are not kept for the next start')
    }
  }

  /** Oldest first. */
  read(): Reconfiguration[] {
    return [`${this.#path}.1`, this.#path].flatMap((path) => linesOf(path).flatMap(entryOf))
  }

  append(entry: Reconfiguration): void {
    this.#file?.write(`${JSON.stringify(entry)}\n`)
  }

  close(): void {
    this.#file?.close()
  }
}

function linesOf(path: string): string[] {
  try {
    return readFileSync(path, 'utf8').split('\n')
  } catch {
    return []
  }
}

/** None for a line that a kill has cut, or that somebody else wrote. */
function entryOf(line: string): Reconfiguration[] {
  try {
    const value: unknown = JSON.parse(line)
    return Entry.Check(value) ? [value as Reconfiguration] : []
  } catch {
    return []
  }
}
