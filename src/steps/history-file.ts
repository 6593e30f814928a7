import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import type { Reconfiguration } from '../model/reconfiguration.ts'
import { KeptLines } from '../platform/files/kept-lines.ts'
import type { Logger } from '../platform/logger.ts'

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

/** Reconfigurations that have ended, a line of JSON each, for the next start. */
export class HistoryFile {
  readonly #lines: KeptLines

  constructor(path: string, logger: Logger) {
    this.#lines = new KeptLines({ path, maxBytes: MAX_BYTES, logger, what: 'reconfigurations' })
  }

  /** Oldest first. */
  read(): Reconfiguration[] {
    return this.#lines.read().flatMap(entryOf)
  }

  append(entry: Reconfiguration): void {
    this.#lines.append(`${JSON.stringify(entry)}\n`)
  }

  close(): void {
    this.#lines.close()
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
