import { setTimeout as sleep } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { findKontrolError, KontrolError, messageOf } from '../errors.ts'
import type { Backoff } from '../platform/backoff.ts'
import { linesWithin } from '../platform/network/bounded-stream.ts'
import type { Logger } from '../platform/logger.ts'
import { MAX_OBJECT_BYTES } from './kubernetes-api.ts'
import type { AnnotationListener } from './metadata-source.ts'
import { parsePodEvent, type PodEvent, type PodObject } from './pod-metadata.ts'

export interface AnnotationWatchOptions {
  readPod: (signal: AbortSignal) => Promise<PodObject>
  /** Opens the stream of what happened to the pod after a version. */
  openWatch: (resourceVersion: string, signal: AbortSignal) => Promise<AsyncIterable<Buffer>>
  /** What the listener knows already. */
  known: Record<string, string> | undefined
  listener: AnnotationListener
  backoff: Backoff
  logger: Logger
}

/**
 * Follows one pod's annotations for as long as the process lives: through the
 * server's regular end of each watch, cut connections and forgotten versions.
 */
export class AnnotationWatch {
  readonly #options: AnnotationWatchOptions
  #known: Record<string, string> | undefined

  constructor(options: AnnotationWatchOptions) {
    this.#options = options
    this.#known = options.known
  }

  /** Returns once `signal` is aborted. */
  async follow(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.#readAndFollow(signal)
      } catch (error) {
        if (signal.aborted) return
        await this.#pause(error, signal)
      }
    }
  }

  async #readAndFollow(signal: AbortSignal): Promise<void> {
    const pod = await this.#options.readPod(signal)
    this.#tell(pod)
    let version = pod.metadata.resourceVersion ?? ''
    while (!signal.aborted) {
      for await (const event of readEvents(await this.#options.openWatch(version, signal), pod.metadata.name)) {
        this.#options.backoff.reset()
        version = event.resourceVersion ?? version
        if (event.pod !== undefined) this.#tell(event.pod)
      }
      // A server, or a proxy before it, that ends each watch at once must not be asked in a tight loop.
      await rest(this.#options.backoff.next(), signal)
    }
  }

  #tell({ metadata: { annotations = {} } }: PodObject): void {
    const known = this.#known
    if (isDeepStrictEqual(annotations, known)) return
    this.#known = annotations
    if (known === undefined) return
    this.#options.logger.info({ annotations: changedKeys(known, annotations) }, 'annotations edited')
    this.#options.listener(annotations)
  }

  async #pause(error: unknown, signal: AbortSignal): Promise<void> {
    const { backoff, logger } = this.#options
    if (error instanceof ResourceExpired) {
      logger.debug({ reason: error.message }, 'pod read again after its version expired')
    } else {
      const { code, hint } = findKontrolError(error) ?? {}
      logger.warn({ code, hint, reason: messageOf(error) }, 'annotations not watched for a moment')
    }
    await rest(backoff.next(), signal)
  }
}

const MAX_KEYS_LOGGED = 20

function changedKeys(before: Record<string, string>, after: Record<string, string>): string[] {
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])].filter((key) => before[key] !== after[key])
  return keys.slice(0, MAX_KEYS_LOGGED)
}

/** Ends early, and without an error, when the watch is stopped. */
async function rest(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal, ref: false }).catch(() => {})
}

/** The server no longer knows the version that a watch began at: read the object again. */
class ResourceExpired extends Error {
  override readonly name = 'ResourceExpired'
}

/**
 * The events of a watch. As an API server 1.29 sends them, one a line:
 *
 *     {"type":"MODIFIED","object":{"kind":"Pod","apiVersion":"v1","metadata":{"name":"haproxy-0","resourceVersion":"1187",…}}}
 *     {"type":"BOOKMARK","object":{"kind":"Pod","apiVersion":"v1","metadata":{"resourceVersion":"1202","creationTimestamp":null}…}}
 *     {"type":"ERROR","object":{"kind":"Status","status":"Failure","message":"too old resource version: 1 (1180)","reason":"Expired","code":410}}
 */
async function* readEvents(stream: AsyncIterable<Buffer>, podName: string): AsyncGenerator<PodEvent> {
  for await (const line of linesOf(stream)) {
    const event = parsePodEvent(line, podName)
    if (event.refusal === undefined) {
      yield event
      continue
    }
    const { code, message } = event.refusal
    if (code === 410) throw new ResourceExpired(message)
    throw new KontrolError('KTL_KUBERNETES_UNAVAILABLE', `The Kubernetes API ended a watch: ${message}`)
  }
}

async function* linesOf(stream: AsyncIterable<Buffer>): AsyncGenerator<string> {
  try {
    yield* linesWithin(stream, MAX_OBJECT_BYTES)
  } catch (cause) {
    const message = `A watch of the Kubernetes API broke off: ${messageOf(cause)}`
    throw new KontrolError('KTL_KUBERNETES_UNAVAILABLE', message, { cause })
  }
}
