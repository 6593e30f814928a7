import type { Logger } from '../platform/logger.ts'
import { digestOf, readMarker, writeMarker } from './files/worker-record.ts'
import type { ConfigFile } from './files/config-file.ts'
import type { ConfigModel, ConfigReader } from './config/model.ts'
import type { HaproxyPaths } from './files/paths.ts'
import type { Servers } from './servers/servers.ts'
import type { WorkerPids } from './process/reload.ts'

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
  servers: Servers
  reader: ConfigReader
  logger: Logger
}

/**
 * The worker that serves, and what it is known to run. That is on disk as well:
 * for the next start of HAProxy, and for a later run of this program.
 */
export class KnownWorker {
  readonly #options: KnownWorkerOptions
  #pids: WorkerPids | undefined
  #configuration: Configuration | undefined
  /** What is on disk for the next start, or will be once its worker has been watched. */
  #kept: Configuration | undefined

  constructor(options: KnownWorkerOptions) {
    this.#options = options
  }

  withDigest(text: string): Configuration {
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
  pids(): WorkerPids | undefined {
    return this.#pids
  }

  /** Undefined while HAProxy is away, or runs something that is not known. */
  configuration(): Configuration | undefined {
    return this.#configuration
  }

  /** It was found to serve, with whatever it runs. */
  serves(pids: WorkerPids): void {
    this.#pids = pids
  }

  /**
   * It has begun with this configuration. In an order in which a crash between
   * two steps does no harm: the marker, which makes all count, comes last.
   */
  async loaded(configuration: Configuration, model: ConfigModel, pids: WorkerPids): Promise<void> {
    const { file, servers, paths } = this.#options
    await file.keepLoaded()
    servers.begin(pids.workerPid, model)
    await writeMarker(paths.marker, { ...pids, digest: configuration.digest })
    this.#pids = pids
    this.#configuration = configuration
    this.#kept = configuration
  }

  /** It is of an earlier run of this program, and may have been changed since it loaded its file. */
  async adopt(lastGood: Configuration, pids: WorkerPids): Promise<void> {
    const { file, paths, servers, reader, logger } = this.#options
    const loaded = this.withDigest((await file.loaded()) ?? '')
    const marker = await readMarker(paths.marker)
    const marked = marker?.workerPid === pids.workerPid && marker.digest === loaded.digest
    const changes = marked ? await servers.adopt(pids.workerPid, reader.read(loaded.text)) : undefined
    if (changes === undefined) {
      servers.forget()
      logger.warn(pids, 'what haproxy runs is not known, the next configuration reloads it')
      return
    }
    const texts = changes === 0 ? [loaded, lastGood] : [lastGood]
    this.#configuration = texts.find(({ text }) => servers.plan(reader.read(text)).kind === 'none')
    if (this.#configuration === lastGood) this.#kept = lastGood
    logger.info({ ...pids, changes }, 'haproxy taken up as it was left')
  }

  /** It has been brought to this without a reload. */
  changedTo(configuration: Configuration): void {
    this.#configuration = configuration
  }

  /** What it runs that is not on its way to the disk. */
  notPersisted(): Configuration | undefined {
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
    this.#pids = undefined
  }
}
