import { stat } from 'node:fs/promises'
import { maskValues } from '../../model/masking.ts'
import { readPlainFile, STATE_FILE_BYTES } from '../../platform/files/plain-file.ts'
import { secretsOf } from '../config/masked.ts'
import type { HaproxyPaths } from './paths.ts'

/** The secrets of all texts that HAProxy may quote: what it runs, what it is given to load, and what it was asked about last. */
export class ConfigSecrets {
  readonly #paths: readonly string[]
  /** By what tells one state of a file from another: the same text often has several names. */
  #known = new Map<string, readonly string[]>()

  constructor({ config, candidate, loaded, lastGood }: HaproxyPaths) {
    this.#paths = [config, candidate, loaded, lastGood]
  }

  /** HAProxy's words without them. */
  async hide(words: string): Promise<string> {
    if (words === '') return words
    const known = new Map<string, readonly string[]>()
    for (const path of this.#paths) {
      const found = await stat(path).catch(() => undefined)
      if (found === undefined) continue
      const state = `${found.ino} ${found.mtimeMs} ${found.size}`
      const secrets = known.get(state) ?? this.#known.get(state)
      known.set(state, secrets ?? (await secretsOf(await readPlainFile(path, STATE_FILE_BYTES).catch(() => ''))))
    }
    this.#known = known
    const secrets = [...new Set([...known.values()].flat())].sort((one, other) => other.length - one.length)
    return maskValues(words, secrets)
  }
}
