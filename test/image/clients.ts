import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'undici'
import { messageOf } from '../../src/errors.ts'

export interface Clients {
  /** What went wrong, one entry a request. */
  readonly failures: string[]
  /** Requests that were answered 200, by the socket they went to. */
  readonly served: { readonly kept: Map<string, number>; readonly fresh: Map<string, number> }
  /** Waits for the last answers. */
  stop(): Promise<void>
}

const EACH = 3
const PAUSE_MS = 5

/**
 * Clients that ask without a pause and try nothing twice: some on connections that they keep until the server closes them,
 * some on a new one for each request.
 *
 * @param resolve the path of the unix socket that a new connection goes to
 */
export function startClients(resolve: () => string): Clients {
  const failures: string[] = []
  const served = { kept: new Map<string, number>(), fresh: new Map<string, number>() }
  const stopped = new AbortController()
  const work = async (kind: 'kept' | 'fresh'): Promise<void> => {
    let connection: Connection | undefined
    while (!stopped.signal.aborted) {
      connection ??= new Connection(resolve())
      const { path } = connection
      try {
        await connection.ask(kind === 'fresh')
        served[kind].set(path, (served[kind].get(path) ?? 0) + 1)
      } catch (error) {
        failures.push(`${kind}: ${messageOf(error)}`)
      }
      if (connection.over) {
        await connection.close()
        connection = undefined
      }
      await sleep(PAUSE_MS)
    }
    await connection?.close()
  }
  const workers = Promise.all(Array.from({ length: EACH }, () => [work('kept'), work('fresh')]).flat())
  return {
    failures,
    served,
    async stop() {
      stopped.abort()
      await workers
    }
  }
}

/** One connection, and none in its place once it was closed. */
class Connection {
  readonly path: string
  readonly #client: Client
  over = false

  constructor(path: string) {
    this.path = path
    this.#client = new Client('http://proxy', { socketPath: path })
    this.#client.on('disconnect', () => (this.over = true))
  }

  async ask(last: boolean): Promise<void> {
    try {
      const answer = await this.#client.request({ path: '/', method: 'GET', reset: last, headersTimeout: 10_000 })
      const text = await answer.body.text()
      if (last || answer.headers.connection === 'close') this.over = true
      if (answer.statusCode !== 200) throw new Error(`${answer.statusCode}: ${text.slice(0, 100)}`)
    } catch (error) {
      this.over = true
      throw error
    }
  }

  async close(): Promise<void> {
    await this.#client.destroy()
  }
}
