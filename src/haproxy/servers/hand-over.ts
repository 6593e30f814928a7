import { rm } from 'node:fs/promises'
import { writeFileAtomic } from '../../platform/files/atomic-file.ts'
import type { Logger } from '../../platform/logger.ts'
import type { ConfigModel } from '../config/model.ts'
import type { ServerState } from '../socket/show-servers-state.ts'
import { serverStateFile } from './server-state-file.ts'
import type { Servers } from './servers.ts'

/** What HAProxy begins with as health of its servers; not having it costs a server that is down a moment of traffic, and no more. */
export class HandOver {
  readonly #path: string
  readonly #logger: Logger

  /** @param path the file that HAProxy reads when it begins */
  constructor(path: string, logger: Logger) {
    this.#path = path
    this.#logger = logger
  }

  /** How the servers are now, for a worker that loads this. */
  async prepare(servers: Pick<Servers, 'states'>, model: ConfigModel): Promise<void> {
    const states = await servers.states().catch((err: unknown) => {
      this.#logger.warn({ err }, 'health of the servers not read')
      return []
    })
    await this.#write(states, model)
  }

  /** Left there, a start by another hand would give it to servers that have the names by then. */
  async empty(): Promise<void> {
    await this.#write([], { pools: new Map() })
  }

  async #write(states: readonly ServerState[], model: Pick<ConfigModel, 'pools'>): Promise<void> {
    try {
      await writeFileAtomic(this.#path, serverStateFile(states, model))
    } catch (err) {
      this.#logger.warn({ err }, 'health of the servers not handed over')
      // A state that is not of now would be worse than none.
      await rm(this.#path, { force: true }).catch(() => {})
    }
  }
}
