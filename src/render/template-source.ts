import { statSync } from 'node:fs'
import { KontrolError } from '../errors.ts'
import type { Clock } from '../platform/clock.ts'
import { readPlainFileSync } from '../platform/files/plain-file.ts'
import { Poller } from '../platform/poller.ts'

const CONFIG_ANNOTATION = 'haproxy.unity3d.com/config'
/** A mounted ConfigMap changes by a symlink that moves, which only a look at the file itself notices. */
const POLL_MS = 250

export interface TemplateSourceOptions {
  /** A file instead of the annotation. */
  file: string | undefined
  annotations: Readonly<Record<string, string>>
}

/** The template as it is now, wherever it comes from. */
export class TemplateSource {
  readonly #file: string | undefined
  #annotations: Readonly<Record<string, string>>
  #onChange: ((cause: string) => void) | undefined
  #poller: Poller | undefined

  constructor({ file, annotations }: TemplateSourceOptions) {
    this.#file = file
    this.#annotations = annotations
  }

  /** Whether a template was given at all: without one a slave needs no HAProxy. */
  isConfigured(): boolean {
    return this.#file !== undefined || this.#annotations[CONFIG_ANNOTATION] !== undefined
  }

  /** @throws KontrolError KTL_TEMPLATE_MISSING */
  read(): string {
    if (this.#file !== undefined) return readTemplate(this.#file)
    const text = this.#annotations[CONFIG_ANNOTATION]
    if (text !== undefined) return text
    throw new KontrolError('KTL_TEMPLATE_MISSING', `This pod has no annotation ${CONFIG_ANNOTATION}`, {
      hint: `Set ${CONFIG_ANNOTATION} on the pod, or KONTROL_CONFIG_FILE.`
    })
  }

  /** Annotations were edited on the running pod. */
  replaceAnnotations(annotations: Readonly<Record<string, string>>): void {
    const changed = annotations[CONFIG_ANNOTATION] !== this.#annotations[CONFIG_ANNOTATION]
    this.#annotations = annotations
    if (changed && this.#file === undefined) this.#onChange?.(`annotation ${CONFIG_ANNOTATION} changed`)
  }

  watch(clock: Clock, onChange: (cause: string) => void): void {
    this.#onChange = onChange
    const file = this.#file
    if (file === undefined) return
    let told = fileStamp(file)
    let last = told
    this.#poller = new Poller({
      clock,
      intervalMs: POLL_MS,
      poll: async () => {
        const now = fileStamp(file)
        // One that is still being written is not read: it is told once two looks see the same.
        const atRest = now === last
        last = now
        if (!atRest || now === told) return
        told = now
        onChange(`template file ${file} changed`)
      },
      onError: () => {}
    })
    this.#poller.start()
  }

  close(): void {
    this.#onChange = undefined
    void this.#poller?.stop()
  }
}

/** Other for every other content: the change time moves where a copy keeps the modification time. */
function fileStamp(file: string): string {
  const stats = statSync(file, { bigint: true, throwIfNoEntry: false })
  if (stats === undefined) return 'absent'
  return [stats.dev, stats.ino, stats.size, stats.mtimeNs, stats.ctimeNs].join(':')
}

/** Far more than what may come of it. */
const MAX_BYTES = 16 * 1024 * 1024

function readTemplate(file: string): string {
  try {
    return readPlainFileSync(file, MAX_BYTES)
  } catch (cause) {
    throw new KontrolError('KTL_TEMPLATE_MISSING', `The template ${file} cannot be read: ${(cause as Error).message}`, {
      hint: 'Check KONTROL_CONFIG_FILE and the permissions of the file.',
      cause
    })
  }
}
