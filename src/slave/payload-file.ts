import { stat } from 'node:fs/promises'
import { limits } from '../model/limits.ts'
import { messageOf } from '../errors.ts'
import type { Clock } from '../platform/clock.ts'
import { parseJson } from '../model/json/json.ts'
import { readPlainFile } from '../platform/files/plain-file.ts'
import type { Logger } from '../platform/logger.ts'
import { Poller } from '../platform/poller.ts'

export interface PayloadFileOptions {
  path: string
  clock: Clock
  logger: Logger
  /** Milliseconds between two looks at the file. */
  pollMs?: number
}

/**
 * The JSON file that goes along with keepalives. It is looked at by time and
 * size rather than watched: notifications do not cross every mount of a
 * container. A file that is missing, half-written or too large changes
 * nothing, so the last good payload stays.
 */
export class PayloadFile {
  readonly #options: PayloadFileOptions
  #payload: unknown = ''
  /** Time, size and inode of the content that was last taken, or refused for what it is. */
  #seen = ''
  #poller: Poller | undefined

  constructor(options: PayloadFileOptions) {
    this.#options = options
  }

  /** An empty string until the file has parsed once, as in Kontrol. */
  get payload(): unknown {
    return this.#payload
  }

  /** Reads the file now; resolves once that is done, and calls `onChange` for each later change until stop(). */
  async watch(onChange: () => void): Promise<void> {
    const { clock, logger, path, pollMs = 1_000 } = this.#options
    const poller = new Poller({
      clock,
      intervalMs: pollMs,
      poll: async () => {
        if ((await this.#look()) && !poller.stopped) onChange()
      },
      onError: (err) => logger.error({ err, path }, 'payload not told')
    })
    this.#poller = poller
    await this.#look()
    poller.start()
  }

  stop(): void {
    void this.#poller?.stop()
  }

  /** Never rejects. */
  async #look(): Promise<boolean> {
    const { path, logger } = this.#options
    try {
      const found = await stat(path)
      const { mtimeMs, size, ino } = found
      const seen = `${mtimeMs} ${size} ${ino}`
      if (seen === this.#seen) return false
      const isOdd = !found.isFile() && !found.isCharacterDevice()
      if (isOdd || size > limits.payloadBytes) {
        this.#seen = seen
        if (isOdd) logger.warn({ path }, 'payload file is no regular file, keeping the last payload')
        else logger.warn({ path, size, limit: limits.payloadBytes }, 'payload file too large, keeping the last payload')
        return false
      }
      // Set after parsing: a file caught half-written may end up with the same time and size.
      this.#payload = parseJson(await readPlainFile(path, limits.payloadBytes))
      this.#seen = seen
      return true
    } catch (error) {
      logger.trace({ path, reason: messageOf(error) }, 'payload file not read')
      return false
    }
  }
}
