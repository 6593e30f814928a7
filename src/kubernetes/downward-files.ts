import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { KontrolError, messageOf } from '../errors.ts'
import type { Clock } from '../platform/clock.ts'
import { readPlainFileIfThere } from '../platform/files/plain-file.ts'
import type { Logger } from '../platform/logger.ts'
import { Poller } from '../platform/poller.ts'
import { type AnnotationListener, type Metadata, metadataPaths, type MetadataSource } from './metadata-source.ts'

export interface DownwardFilesOptions {
  clock: Clock
  logger: Logger
  /** Folder with `labels` and `annotations`. */
  folder?: string
  /** Milliseconds between two looks at the annotations. The kubelet itself takes up to a minute to write an edit. */
  pollMs?: number
}

/** Kubernetes takes 256 KiB of annotations; what is no letter is four characters or more here. */
const MAX_BYTES = 4 * 1024 * 1024

/** Labels and annotations from a downward-API volume: no access to the API server is needed. */
export class DownwardFiles implements MetadataSource {
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #folder: string
  readonly #pollMs: number
  #known: Record<string, string> | undefined

  constructor({ clock, logger, folder = metadataPaths.downward, pollMs = 1_000 }: DownwardFilesOptions) {
    this.#clock = clock
    this.#logger = logger
    this.#folder = folder
    this.#pollMs = pollMs
  }

  /** Throws KTL_METADATA_INVALID for a file that no kubelet has written; a file that is not mounted is left out. */
  async discover(): Promise<Metadata> {
    const labels = await this.#read('labels')
    const annotations = await this.#read('annotations')
    this.#known = annotations
    return {
      ...(labels === undefined ? {} : { KONTROL_LABELS: JSON.stringify(labels) }),
      ...(annotations === undefined ? {} : { KONTROL_ANNOTATIONS: JSON.stringify(annotations) })
    }
  }

  /** Looks instead of asking for file events: those get lost when the kubelet swaps the folder behind `..data`. */
  watch(listener: AnnotationListener): () => void {
    const poller = new Poller({
      clock: this.#clock,
      intervalMs: this.#pollMs,
      poll: async () => {
        const annotations = await this.#read('annotations')
        // Absent while the folder is swapped.
        if (annotations === undefined || isDeepStrictEqual(annotations, this.#known)) return
        this.#known = annotations
        this.#logger.info('annotations edited')
        if (!poller.stopped) listener(annotations)
      },
      onError: (error) => this.#logger.warn({ reason: messageOf(error) }, 'annotations not read')
    })
    poller.start()
    return () => void poller.stop()
  }

  async #read(name: string): Promise<Record<string, string> | undefined> {
    const path = join(this.#folder, name)
    let text: string | undefined
    try {
      text = await readPlainFileIfThere(path, MAX_BYTES)
    } catch (cause) {
      throw new KontrolError('KTL_METADATA_INVALID', `Cannot read ${path}: ${messageOf(cause)}`, { cause })
    }
    return text === undefined ? undefined : parseDownwardMap(text, path)
  }
}

const SHORT_ESCAPES: Record<string, string> = {
  a: '\u0007',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
  '"': '"'
}

const ESCAPE = /\\(?:x([0-9a-f]{2})|u([0-9a-f]{4})|U([0-9a-f]{8})|(.))/g

/**
 * Reads a map as the kubelet writes it into a downward-API volume: sorted
 * lines of `key="value"`, the value quoted as a Go string. Kubernetes 1.29:
 *
 *     haproxy.unity3d.com/config="frontend proxy\n  bind *:80\n"
 *     kubernetes.io/config.source="api"
 *
 * @param path named in the KTL_METADATA_INVALID that a line of another form causes
 */
export function parseDownwardMap(text: string, path: string): Record<string, string> {
  const lines = text.split('\n').filter((line) => line !== '')
  return Object.fromEntries(
    lines.map((line, index) => {
      const match = /^([^=]+)="((?:[^"\\]|\\.)*)"$/.exec(line)
      if (match === null) {
        throw new KontrolError('KTL_METADATA_INVALID', `${path}:${index + 1} is no key="value": ${line.slice(0, 80)}`, {
          hint: 'Mount a downwardAPI volume there, with items for metadata.labels and metadata.annotations.'
        })
      }
      const [, key = '', value = ''] = match
      return [key, unquote(value)]
    })
  )
}

function unquote(quoted: string): string {
  return quoted.replace(ESCAPE, (_escape, byte?: string, short?: string, long?: string, letter?: string) => {
    const code = byte ?? short ?? long
    if (code !== undefined) return characterOf(Number.parseInt(code, 16))
    return SHORT_ESCAPES[letter ?? ''] ?? letter ?? ''
  })
}

/** Go writes no number that is no character. */
const characterOf = (code: number): string => (code <= 0x10ffff ? String.fromCodePoint(code) : '\ufffd')
