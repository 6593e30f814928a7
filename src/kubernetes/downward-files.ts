import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { KontrolError, messageOf } from '../errors.ts'
import type { Clock } from '../platform/clock.ts'
import type { Logger } from '../platform/logger.ts'
import { Poller } from '../platform/poller.ts'
import { parseDownwardMap } from './downward-map.ts'
import { metadataPaths, type AnnotationListener, type Metadata, type MetadataSource } from './metadata-source.ts'

export interface DownwardFilesOptions {
  clock: Clock
  logger: Logger
  /** Folder with `labels` and `annotations`. */
  folder?: string
  /** Milliseconds between two looks at the annotations. The kubelet itself takes up to a minute to write an edit. */
  pollMs?: number
}

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
    let text: string
    try {
      text = await readFile(path, 'utf8')
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      throw new KontrolError('KTL_METADATA_INVALID', `Cannot read ${path}: ${messageOf(cause)}`, { cause })
    }
    return parseDownwardMap(text, path)
  }
}
