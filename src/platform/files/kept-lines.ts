import { messageOf } from '../../errors.ts'
import type { Logger } from '../logger.ts'
import { OddFileError, readPlainFileSync } from './plain-file.ts'
import { RotatingFile } from './rotating-file.ts'

export interface KeptLinesOptions {
  path: string
  /** Of each of the two files: `path`, and `path.1` before it. */
  maxBytes: number
  logger: Logger
  /** Whose lines they are, for the log, in the plural. */
  what: string
}

/** A line may be longer than a file. */
const MOST_FILES_READ = 16

/**
 * Lines for the next start, the newest of them. Nothing depends on them: what cannot be read is left out, and what cannot
 * be written is told once and done without.
 */
export class KeptLines {
  readonly #options: KeptLinesOptions
  /** Undefined until there is something to write, null where that is not possible or over. */
  #file: RotatingFile | undefined | null

  constructor(options: KeptLinesOptions) {
    this.#options = options
  }

  /** Oldest first; a kill may have cut any that was the last. */
  read(): string[] {
    const { path, maxBytes, logger, what } = this.#options
    return [`${path}.1`, path].flatMap((one) => {
      try {
        return readPlainFileSync(one, MOST_FILES_READ * maxBytes).split('\n')
      } catch (error) {
        if (error instanceof OddFileError) logger.warn({ reason: error.message }, `${what} of earlier are not read`)
        return []
      }
    })
  }

  /** @param lines one or more, each with its line feed */
  append(lines: string): void {
    if (this.#file === undefined) this.#file = this.#open()
    this.#file?.write(lines)
  }

  close(): void {
    this.#file?.close()
    this.#file = null
  }

  #open(): RotatingFile | null {
    const { path, maxBytes, logger, what } = this.#options
    try {
      const file = new RotatingFile({ path, maxBytes, backups: 1 })
      // A kill may have cut the last line.
      file.write('\n')
      return file
    } catch (error) {
      logger.warn({ reason: messageOf(error) }, `${what} are not kept for the next start`)
      return null
    }
  }
}
