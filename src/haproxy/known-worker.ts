import type { Logger } from '../platform/logger.ts'
import { digestOf, readMarker, writeMarker } from './files/worker-record.ts'
import type { ConfigFile } from './files/config-file.ts'
import type { ConfigImage, ImageReader } from './config/model.ts'
import type { HaproxyPaths } from './files/paths.ts'
import type { LiveServers } from './servers/servers.ts'
import type { ServingProof } from './process/reload.ts'

/** A configuration and its name: SHA-256 in hex, over base.cfg and the operator's text. */
export interface Configuration {
  readonly text: string
  readonly digest: string
}

export interface KnownWorkerOptions {
  /** Text of base.cfg. */
  base: string
  paths: Pick<HaproxyPaths, 'marker'>
  file: ConfigFile
  servers: LiveServers
  reader: ImageReader
  logger: Logger
}

/**
 * The worker that serves, and what it is known to run. That is on disk as well:
 * for the next start of HAProxy, and for a later run of this program.
 */
export class KnownWorker {
  readonly #options: KnownWorkerOptions
  #proof: ServingProof | undefined
  #configuration: Configuration | undefined
  /** What is on disk for the next start, or will be once its worker has been watched. */
  #kept: Configuration | undefined

  constructor(options: KnownWorkerOptions) {
    this.#options = options
  }

  named(text: string): Configuration {
    const { base } = this.#options
    let digest: string | undefined
    return {
      text,
      // On demand: a change of one server does not wait for it.
      get digest() {
        return (digest ??= digestOf(base, text))
      }
    }
  }

  /** Undefined while HAProxy is away. */
  pids(): ServingProof | undefined {
    return this.#proof
  }

  /** Undefined while HAProxy is away, or runs something that is not known. */
  configuration(): Configuration | undefined {
    return this.#configuration
  }

  /** It was found to serve, with whatever it runs. */
  serves(proof: ServingProof): void {
    this.#proof = proof
  }

  /**
   * It has begun with this configuration. In an order in which a crash between
   * two steps does no harm: the marker, which makes all count, comes last.
   */
  async begun(configuration: Configuration, image: ConfigImage, proof: ServingProof): Promise<void> {
    const { file, servers, paths } = this.#options
    await file.keepLoaded()
    servers.begin(proof.workerPid, image)
    await writeMarker(paths.marker, { ...proof, digest: configuration.digest })
    this.#proof = proof
    this.#configuration = configuration
    this.#kept = configuration
  }

  /** It is of an earlier run of this program, and may have been changed since it loaded its file. */
  async adopt(lastGood: Configuration, proof: ServingProof): Promise<void> {
    const { file, paths, servers, reader, logger } = this.#options
    const loaded = this.named((await file.loaded()) ?? '')
    const marker = await readMarker(paths.marker)
    const marked = marker?.workerPid === proof.workerPid && marker.digest === loaded.digest
    const changes = marked ? await servers.adopt(proof.workerPid, reader.read(loaded.text)) : undefined
    if (changes === undefined) {
      servers.forget()
      logger.warn(proof, 'what haproxy runs is not known, the next configuration reloads it')
      return
    }
    const texts = changes === 0 ? [loaded, lastGood] : [lastGood]
    this.#configuration = texts.find(({ text }) => servers.plan(reader.read(text)).kind === 'none')
    if (this.#configuration === lastGood) this.#kept = lastGood
    logger.info({ ...proof, changes }, 'haproxy taken up as it was left')
  }

  /** It has been brought to this without a reload. */
  changedTo(configuration: Configuration): void {
    this.#configuration = configuration
  }

  /** What it runs that is not on its way to the disk. */
  unkept(): Configuration | undefined {
    return this.#configuration === this.#kept ? undefined : this.#configuration
  }

  /** Puts a checked text of it on disk, for the next start. */
  async keep(configuration: Configuration): Promise<void> {
    await this.#options.file.install(configuration.text)
    await this.#options.file.keep()
    this.#kept = configuration
  }

  /** It is gone. */
  forget(): void {
    this.#options.servers.forget()
    this.#configuration = undefined
    this.#kept = undefined
    this.#proof = undefined
  }
}
