import { hostname } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { findKontrolError, KontrolError, messageOf } from '../errors.ts'
import { Backoff, type BackoffOptions } from '../platform/backoff.ts'
import { readPlainFile, SMALL_FILE_BYTES } from '../platform/files/plain-file.ts'
import type { Logger } from '../platform/logger.ts'
import { AnnotationWatch } from './annotation-watch.ts'
import { KubernetesApi, WATCH_SECONDS } from './kubernetes-api.ts'
import { metadataPaths, type AnnotationListener, type Metadata, type MetadataSource } from './metadata-source.ts'
import { nodeMetadata, parseNodeObject, parsePodObject, podMetadata, type PodObject } from './pod-metadata.ts'

export interface KubernetesMetadataOptions {
  /** `KUBERNETES_SERVICE_HOST` and `_PORT`, `NAMESPACE` and `KONTROL_ID` are read from it. */
  env: NodeJS.ProcessEnv
  logger: Logger
  /** Folder with `token`, `ca.crt` and `namespace`. */
  serviceAccount?: string
  /** Milliseconds that a request may take. */
  timeoutMs?: number
  retry?: Partial<BackoffOptions>
  /** How often the pod, and the node, are asked for before the program gives up, or goes on without. */
  attempts?: { pod: number; node: number }
}

const RETRY: BackoffOptions = { firstMs: 500, maxMs: 15_000, jitter: 0.25 }
/** About nine minutes, as long as the original waited for its address. */
const ATTEMPTS = { pod: 40, node: 4 }
/** Whoever waits for a program to start looks after a moment. */
const SAY_AFTER_MS = 1_000

/** The pod's and its node's metadata from the Kubernetes API. */
export class KubernetesMetadata implements MetadataSource {
  readonly #env: NodeJS.ProcessEnv
  readonly #logger: Logger
  readonly #serviceAccount: string
  readonly #api: KubernetesApi
  readonly #retry: BackoffOptions
  readonly #attempts: { pod: number; node: number }
  #annotations: Record<string, string> | undefined

  constructor(options: KubernetesMetadataOptions) {
    const { env, logger, serviceAccount = metadataPaths.serviceAccount, timeoutMs = 5_000 } = options
    this.#env = env
    this.#logger = logger
    this.#serviceAccount = serviceAccount
    this.#retry = { ...RETRY, ...options.retry }
    this.#attempts = options.attempts ?? ATTEMPTS
    this.#api = new KubernetesApi({
      host: env.KUBERNETES_SERVICE_HOST ?? 'kubernetes.default.svc',
      port: Number(env.KUBERNETES_SERVICE_PORT ?? 443),
      serviceAccount,
      timeoutMs
    })
  }

  /**
   * Waits until the pod has its address, and adds what its node tells.
   *
   * Throws KTL_KUBERNETES_FORBIDDEN, _POD_NOT_FOUND, _UNAUTHORIZED or _UNAVAILABLE;
   * a node that may not be read is logged and left out.
   */
  async discover(signal?: AbortSignal): Promise<Metadata> {
    const namespace = await this.#namespace()
    const path = await this.#podPath()
    const pod = await this.#retried(this.#attempts.pod, signal, async () => {
      const pod = await this.#readPod(path, signal)
      if (pod.status?.podIP) return pod
      throw new KontrolError('KTL_KUBERNETES_UNAVAILABLE', `Pod ${pod.metadata.name} has no address yet`, {
        hint: 'Look at the events of the pod: its network may not have been set up.'
      })
    })
    this.#annotations = pod.metadata.annotations ?? {}
    return { NAMESPACE: namespace, ...podMetadata(pod), ...(await this.#discoverNode(pod.spec?.nodeName, signal)) }
  }

  watch(listener: AnnotationListener): () => void {
    const stopping = new AbortController()
    const watch = new AnnotationWatch({
      readPod: async (signal) => this.#readPod(await this.#podPath(), signal),
      openWatch: (resourceVersion, signal) => this.#openWatch(resourceVersion, signal),
      known: this.#annotations,
      listener,
      backoff: new Backoff(this.#retry),
      logger: this.#logger
    })
    void watch.follow(stopping.signal).finally(() => this.#api.close())
    return () => stopping.abort()
  }

  async #discoverNode(name: string | undefined, signal?: AbortSignal): Promise<Metadata> {
    if (name === undefined) return {}
    try {
      const path = `/api/v1/nodes/${encodeURIComponent(name)}`
      const rule = 'to "get" "nodes" by a ClusterRole, or set KONTROL_EIP'
      const node = await this.#retried(this.#attempts.node, signal, async () =>
        parseNodeObject(await this.#api.get(path, rule, signal))
      )
      const metadata = nodeMetadata(node)
      if (metadata.KONTROL_EIP === undefined) this.#logger.info({ node: name }, 'node has no external address')
      return metadata
    } catch (error) {
      signal?.throwIfAborted()
      const { code, hint } = findKontrolError(error) ?? {}
      this.#logger.warn({ node: name, code, hint, reason: messageOf(error) }, 'going on without node metadata')
      return {}
    }
  }

  async #retried<T>(attempts: number, signal: AbortSignal | undefined, attempt: () => Promise<T>): Promise<T> {
    const backoff = new Backoff(this.#retry)
    for (let tried = 1; ; tried++) {
      const saying = setTimeout(() => this.#logger.warn('waiting for an answer of Kubernetes'), SAY_AFTER_MS)
      try {
        return await attempt()
      } catch (error) {
        signal?.throwIfAborted()
        const known = findKontrolError(error)
        if (known?.retryable !== true || tried >= attempts) throw error
        this.#logger.info({ code: known.code, reason: known.message, tried }, 'waiting for Kubernetes')
        await sleep(backoff.next(), undefined, { ...(signal === undefined ? {} : { signal }) })
      } finally {
        clearTimeout(saying)
      }
    }
  }

  async #readPod(path: string, signal?: AbortSignal): Promise<PodObject> {
    const rule = 'to "get" "pods" in its namespace by a Role'
    return parsePodObject(await this.#api.get(path, rule, signal), this.#podName())
  }

  async #openWatch(resourceVersion: string, signal: AbortSignal): Promise<AsyncIterable<Buffer>> {
    const query = new URLSearchParams({
      watch: 'true',
      fieldSelector: `metadata.name=${this.#podName()}`,
      resourceVersion,
      allowWatchBookmarks: 'true',
      timeoutSeconds: String(WATCH_SECONDS)
    })
    const path = `/api/v1/namespaces/${encodeURIComponent(await this.#namespace())}/pods?${query.toString()}`
    return this.#api.watch(path, 'to "watch" "pods" in its namespace by a Role', signal)
  }

  #podName(): string {
    return this.#env.KONTROL_ID || hostname()
  }

  async #podPath(): Promise<string> {
    return `/api/v1/namespaces/${encodeURIComponent(await this.#namespace())}/pods/${encodeURIComponent(this.#podName())}`
  }

  async #namespace(): Promise<string> {
    if (this.#env.NAMESPACE) return this.#env.NAMESPACE
    const mounted = await readPlainFile(join(this.#serviceAccount, 'namespace'), SMALL_FILE_BYTES).catch(() => '')
    return mounted.trim() || 'default'
  }
}
