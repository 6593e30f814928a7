import type { ConfigImage, Pool } from './config-image.ts'
import type { ServerLine } from './server-line.ts'

/** A server that the worker has. */
export interface Slot {
  readonly pool: string
  readonly backend: string
  /** In HAProxy. The configuration may by now call it otherwise. */
  readonly name: string
  /** Address, port and options, as of now. */
  key: string
  address: string
  port: number
  readonly options: string
  state: SlotState
  /** It is removed but for what it still has to finish; milliseconds of `performance.now()`. */
  drainingSince: number
}

/** `draining`: gets no new request. `spare`: in maintenance, free for another address. */
export type SlotState = 'live' | 'draining' | 'spare'

interface PoolSlots {
  live: Map<string, Slot>
  /** Draining and spare. */
  idle: Set<Slot>
}

/** All servers that the worker has: those of the file it loaded, and what has been done to them since. */
export class SlotTable {
  readonly #pools = new Map<string, PoolSlots>()
  /** By backend and name. */
  readonly #names = new Map<string, Map<string, Slot>>()

  static of(image: ConfigImage): SlotTable {
    const table = new SlotTable()
    for (const pool of image.pools.values()) {
      for (const [key, server] of keyed(pool.servers)) table.add(pool, key, server, server.name)
    }
    return table
  }

  live(pool: string): ReadonlyMap<string, Slot> {
    return this.#pool(pool).live
  }

  idle(pool: string): ReadonlySet<Slot> {
    return this.#pool(pool).idle
  }

  /** All slots of a backend. */
  ofBackend(backend: string): Iterable<Slot> {
    return this.#namesOf(backend).values()
  }

  *all(): Generator<Slot> {
    for (const { live, idle } of this.#pools.values()) {
      yield* live.values()
      yield* idle
    }
  }

  *draining(): Generator<Slot> {
    for (const { idle } of this.#pools.values()) for (const slot of idle) if (slot.state === 'draining') yield slot
  }

  count(): { live: number; spare: number } {
    let [live, spare] = [0, 0]
    for (const pool of this.#pools.values()) {
      live += pool.live.size
      spare += pool.idle.size
    }
    return { live, spare }
  }

  /** The wanted name, or one beside it when the worker has that name already. */
  freeName(backend: string, wanted: string): string {
    const names = this.#namesOf(backend)
    let name = wanted
    for (let count = 2; names.has(name); count++) name = `${wanted}:${count}`
    return name
  }

  add(pool: Pick<Pool, 'id' | 'backend'>, key: string, server: ServerLine, name: string): Slot {
    const { address, port, options } = server
    const { id, backend } = pool
    const slot: Slot = { pool: id, backend, name, key, address, port, options, state: 'live', drainingSince: 0 }
    this.#pool(id).live.set(key, slot)
    this.#namesOf(backend).set(name, slot)
    return slot
  }

  /** An idle slot serves again, maybe another address. */
  revive(slot: Slot, key: string, { address, port }: { address: string; port: number }): void {
    const { live, idle } = this.#pool(slot.pool)
    idle.delete(slot)
    Object.assign(slot, { key, address, port, state: 'live' })
    live.set(key, slot)
  }

  drain(slot: Slot): void {
    const { live, idle } = this.#pool(slot.pool)
    live.delete(slot.key)
    idle.add(slot)
    slot.state = 'draining'
    slot.drainingSince = performance.now()
  }

  rest(slot: Slot): void {
    slot.state = 'spare'
  }

  /** HAProxy has it no more. */
  delete(slot: Slot): void {
    this.#pool(slot.pool).idle.delete(slot)
    this.#namesOf(slot.backend).delete(slot.name)
  }

  /** By the name that HAProxy gives it. */
  find(backend: string, name: string): Slot | undefined {
    return this.#names.get(backend)?.get(name)
  }

  #pool(id: string): PoolSlots {
    const known = this.#pools.get(id)
    if (known !== undefined) return known
    const pool = { live: new Map<string, Slot>(), idle: new Set<Slot>() }
    this.#pools.set(id, pool)
    return pool
  }

  #namesOf(backend: string): Map<string, Slot> {
    const known = this.#names.get(backend)
    if (known !== undefined) return known
    const names = new Map<string, Slot>()
    this.#names.set(backend, names)
    return names
  }
}

/** Servers by their keys; what stands twice gets a key of its own, so that it also runs twice. */
export function keyed(servers: readonly ServerLine[]): Map<string, ServerLine> {
  const result = new Map<string, ServerLine>()
  for (const server of servers) {
    let { key } = server
    for (let count = 2; result.has(key); count++) key = `${server.key} #${count}`
    result.set(key, server)
  }
  return result
}
