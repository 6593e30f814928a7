import type { ServerLine } from './server-line.ts'

export interface PlacedServer {
  server: ServerLine
  /** Id of its pool. */
  pool: string
  /** The number that HAProxy gives it. */
  id: number
}

/** The servers of a backend in their order. Most changes ask nothing of it: what it tells is worked out then. */
export class ServerOrder {
  readonly servers: ServerLine[] = []
  /** Of each server, the id of its pool. */
  readonly pools: string[] = []
  /** Whether one of them can only be changed by a reload. */
  blocked = false
  #placed: readonly PlacedServer[] | undefined

  push(server: ServerLine, pool: string): void {
    this.servers.push(server)
    this.pools.push(pool)
    this.blocked ||= server.blocker !== undefined
  }

  /** With their numbers, given as HAProxy does: those that say a number have it, the others get the next that is free, counted on at every server. */
  placed(): readonly PlacedServer[] {
    this.#placed ??= this.#number()
    return this.#placed
  }

  #number(): PlacedServer[] {
    const taken = new Set(this.servers.map(({ target }) => target.id))
    let next = 1
    return this.servers.map((server, index) => {
      const pool = this.pools[index] ?? ''
      while (server.target.id === 0 && taken.has(next)) next++
      const id = server.target.id || next
      next++
      return { server, pool, id }
    })
  }
}
