import { closeSync, fstatSync, openSync, renameSync, rmSync, writeSync } from 'node:fs'
import { KontrolError, messageOf } from '../../errors.ts'
import { APPEND_FLAGS } from './plain-file.ts'

export interface RotatingFileOptions {
  path: string
  /** The file is put aside before it would reach this size. */
  maxBytes: number
  /** How many full files are kept, as `path.1` (the newest), `path.2` and so on. */
  backups: number
}

/** A log file that cannot fill the disk, rotated as Python's RotatingFileHandler does. */
export class RotatingFile {
  readonly #options: RotatingFileOptions
  #file: number
  #bytes: number

  /** @throws KontrolError KTL_DATA_UNWRITABLE */
  constructor(options: RotatingFileOptions) {
    this.#options = options
    try {
      this.#file = openSync(options.path, APPEND_FLAGS)
      this.#bytes = fstatSync(this.#file).size
    } catch (cause) {
      throw new KontrolError('KTL_DATA_UNWRITABLE', `Cannot write the log file ${options.path}: ${messageOf(cause)}`, {
        hint: 'Choose a file in a folder that can be written.',
        cause
      })
    }
  }

  write(line: string): void {
    const bytes = Buffer.byteLength(line)
    try {
      if (this.#bytes > 0 && this.#bytes + bytes >= this.#options.maxBytes) this.#rotate()
      writeSync(this.#file, line)
      this.#bytes += bytes
    } catch {
      // A full disk must not end the program, and there is nowhere to say so.
    }
  }

  close(): void {
    closeSync(this.#file)
  }

  #rotate(): void {
    const { path, backups } = this.#options
    closeSync(this.#file)
    for (let n = backups; n > 0; n--) {
      const from = n === 1 ? path : `${path}.${n - 1}`
      try {
        renameSync(from, `${path}.${n}`)
      } catch {
        // Not that many yet.
      }
    }
    if (backups === 0) rmSync(path, { force: true })
    this.#file = openSync(path, APPEND_FLAGS)
    this.#bytes = fstatSync(this.#file).size
  }
}
