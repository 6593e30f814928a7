import { eachInTurns } from '../../platform/turns.ts'
import { poolOf, type ConfigModel, type Pool } from '../config/model.ts'
import type { PlacedServer } from '../config/server-order.ts'
import type { ServerTarget } from '../config/server-line.ts'

/** A server that the worker has. */
export interface Slot {
  readonly pool: string
  readonly backend: string
  /** In HAProxy. The configuration may by now call it otherwise. */
  readonly name: string
  /** Its number in HAProxy; 0 when that is not known. */
  readonly id: number
  /** As of now. */
  target: ServerTarget
  /** The target's, but for what stands twice. */
  key: string
  state: SlotState
  /** It is removed but for what it still has to finish; milliseconds of `performance.now()`. */
  drainingSince: number
}

/** `draining`: gets no new request. `spare`: in maintenance, free for another address. */
type SlotState = 'live' | 'draining' | 'spare'

/** Maintenance may cut its sessions, by an `on-marked-down` of its own or of a `default-server`. */
export function isCutWhenDown({ target, pool }: Slot): boolean {
  return target.options.includes('on-marked-down') || pool.includes('on-marked-down')
}

/** In maintenance, and with the same options: it can be given another address. */
export function isReusable({ state, target }: Slot, wanted: ServerTarget): boolean {
  return target.key === wanted.key ? state !== 'live' : state === 'spare' && target.options === wanted.options
}

interface PoolSlots {
  live: Map<string, Slot>
  /** Draining and spare. */
  idle: Set<Slot>
}

/** All servers that the worker has: those of the file it loaded, and what has been done to them since. */
export class ServerTable {
  readonly #pools = new Map<string, PoolSlots>()
  /** By backend and name. */
  readonly #names = new Map<string, Map<string, Slot>>()
  /** By backend, names of servers that the worker may have and that nobody changes. */
  readonly #reserved: ConfigModel['conditional']

  constructor(reserved: ConfigModel['conditional'] = new Map()) {
    this.#reserved = reserved
  }

  static async of(model: ConfigModel): Promise<ServerTable> {
    const table = new ServerTable(model.conditional)
    await eachInTurns(placedServers(model), ({ backend, server, pool, id }) =>
      table.add(model.pools.get(pool) ?? { id: pool, backend }, { target: server.target, name: server.name, id })
    )
    return table
  }

  /** Slots that serve what has this key, the last one first. */
  serving(pool: string, key: string): Slot[] {
    const { live } = this.#pool(pool)
    const slots: Slot[] = []
    for (let count = 1, slot = live.get(key); slot !== undefined; slot = live.get(`${key} #${++count}`))
      slots.unshift(slot)
    return slots
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

  /** The servers in use, as pools of a configuration. */
  pools(): Map<string, Pool> {
    const pools = [...this.#pools].map(([id, { live }]) => {
      const servers = [...live.values()].map(({ name, target }) => ({ name, target, blocker: target.blocker }))
      return poolOf(id, servers)
    })
    return new Map(pools.map((pool) => [pool.id, pool]))
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
    for (let count = 2; names.has(name) || this.isReserved(backend, name); count++) name = `${wanted}:${count}`
    return name
  }

  isReserved(backend: string, name: string): boolean {
    return this.#reserved.get(backend)?.has(name) === true
  }

  /** A number of a server that this backend has not: never one that it had before on this worker. */
  freeId(backend: string): number {
    let highest = 0
    for (const { id } of this.ofBackend(backend)) highest = Math.max(highest, id)
    return highest + 1
  }

  add(pool: Pick<Pool, 'id' | 'backend'>, server: Pick<Slot, 'target' | 'name' | 'id'>): Slot {
    const { id: poolId, backend } = pool
    const { target, name, id } = server
    const key = this.#freeKey(poolId, target.key)
    const slot: Slot = { pool: poolId, backend, name, id, target, key, state: 'live', drainingSince: 0 }
    this.#pool(poolId).live.set(key, slot)
    this.#namesOf(backend).set(name, slot)
    return slot
  }

  /** An idle slot serves again, maybe another address. */
  reuse(slot: Slot, target: ServerTarget): void {
    const { live, idle } = this.#pool(slot.pool)
    const key = this.#freeKey(slot.pool, target.key)
    idle.delete(slot)
    Object.assign(slot, { key, target, state: 'live' })
    live.set(key, slot)
  }

  drain(slot: Slot): void {
    const { live, idle } = this.#pool(slot.pool)
    live.delete(slot.key)
    idle.add(slot)
    slot.state = 'draining'
    slot.drainingSince = performance.now()
  }

  markSpare(slot: Slot): void {
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

  /** What stands twice gets a key of its own, so that it also runs twice. */
  #freeKey(pool: string, wanted: string): string {
    const { live } = this.#pool(pool)
    let key = wanted
    for (let count = 2; live.has(key); count++) key = `${wanted} #${count}`
    return key
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

function* placedServers({ order }: ConfigModel): Generator<PlacedServer & { backend: string }> {
  for (const [backend, servers] of order) for (const placed of servers.placed()) yield { backend, ...placed }
}
