import type { ConfigModel, Pool } from '../config/model.ts'
import type { PoolChange } from './plan.ts'
import type { ServerLine, ServerTarget } from '../config/server-line.ts'
import type { Slot, ServerTable } from './server-table.ts'

/** A line of the runtime API, and what HAProxy says when it has done it. */
export interface RuntimeCommand {
  text: string
  answer: RegExp
}

/** One step of a change: what to tell HAProxy, and what to remember then. */
export interface Operation {
  kind: 'add' | 'reuse' | 'drain'
  pool: string
  backend: string
  /** In HAProxy. */
  name: string
  /** Of what comes. */
  target: ServerTarget | undefined
  commands: RuntimeCommand[]
}

const NOTHING = /^$/

/**
 * What a server of the file has without saying so and one made at runtime has
 * not: 2.6 gives it no pool, so that no connection is ever used twice.
 */
const STATIC_DEFAULTS =
  'pool-max-conn -1 pool-purge-delay 5s inter 2s rise 2 fall 3 error-limit 10 on-error fail-check weight 1'

/** Adds come first, so that no backend is emptied on the way. */
export function operationsOf(changes: readonly PoolChange[], table: ServerTable, model: ConfigModel): Operation[] {
  const taken = new Set<string>()
  const adds = changes.flatMap(({ pool, add }) => {
    const idle = new IdleSlots(table.idle(pool.id))
    return add.map((server) => addition({ pool, server, slot: idle.take(server.target), table, taken }))
  })
  const drains = changes.flatMap(({ remove }) => remove.map((slot) => removal(slot, model.sticky.has(slot.backend))))
  return [...adds, ...drains]
}

export function toMaintenance(slot: Slot): RuntimeCommand {
  return setServer(slot, 'state maint')
}

export function deletion({ backend, name }: Slot): RuntimeCommand {
  return { text: `del server ${backend}/${name}`, answer: /^Server deleted\.$/ }
}

interface Addition {
  pool: Pool
  server: ServerLine
  slot: Slot | undefined
  table: ServerTable
  /** Names given in this very change, with their backends. */
  taken: Set<string>
}

function addition({ pool, server, slot, table, taken }: Addition): Operation {
  const { id, backend, inherited } = pool
  const { target } = server
  const checked = target.checked || inherited.includes('check')
  if (slot !== undefined) {
    const commands = reuseCommands(slot, target, checked)
    return { kind: 'reuse', pool: id, backend, name: slot.name, target, commands }
  }
  let name = table.freeName(backend, server.name)
  for (let count = 2; taken.has(`${backend}/${name}`); count++) {
    name = table.freeName(backend, `${server.name}:${count}`)
  }
  taken.add(`${backend}/${name}`)
  const host = target.address.includes(':') ? `[${target.address}]` : target.address
  const options = [STATIC_DEFAULTS, ...inherited, target.options].join(' ').trim()
  const commands = [
    { text: `add server ${backend}/${name} ${host}:${target.port} ${options}`, answer: /^New server registered\.$/ },
    ...(checked ? [{ text: `enable health ${backend}/${name}`, answer: NOTHING }] : []),
    setServer({ backend, name }, 'state ready')
  ]
  return { kind: 'add', pool: id, backend, name, target, commands }
}

/** A slot keeps the health of the address it had; a static server begins as healthy, so this one does too. */
function reuseCommands(slot: Slot, { address, port }: ServerTarget, checked: boolean): RuntimeCommand[] {
  const moved = address !== slot.target.address || port !== slot.target.port
  return [
    ...(moved ? [setServer(slot, `addr ${address} port ${port}`, /by 'stats socket command'$/)] : []),
    ...(checked && slot.state === 'spare' ? [setServer(slot, 'health up')] : []),
    setServer(slot, 'state ready')
  ]
}

/** Where stickiness may lead clients to a draining server, maintenance at once. No plan has one there that this would cut. */
function removal(slot: Slot, sticky: boolean): Operation {
  const { pool, backend, name } = slot
  const commands = [setServer(slot, sticky ? 'state maint' : 'state drain')]
  return { kind: 'drain', pool, backend, name, target: undefined, commands }
}

function setServer({ backend, name }: Pick<Slot, 'backend' | 'name'>, words: string, answer = NOTHING): RuntimeCommand {
  return { text: `set server ${backend}/${name} ${words}`, answer }
}

/** The slots of a pool that are free, each given away once. */
class IdleSlots {
  readonly #byKey = new Map<string, Slot>()
  readonly #byOptions = new Map<string, Slot[]>()

  constructor(idle: ReadonlySet<Slot>) {
    for (const slot of idle) {
      this.#byKey.set(slot.target.key, slot)
      if (slot.state !== 'spare') continue
      const alike = this.#byOptions.get(slot.target.options)
      if (alike === undefined) this.#byOptions.set(slot.target.options, [slot])
      else alike.push(slot)
    }
  }

  /** Best the same server, which may still be draining; else one in maintenance with the same options. */
  take({ key, options }: ServerTarget): Slot | undefined {
    const same = this.#byKey.get(key)
    if (same !== undefined) {
      this.#byKey.delete(key)
      const alike = this.#byOptions.get(options)
      if (alike !== undefined)
        this.#byOptions.set(
          options,
          alike.filter((slot) => slot !== same)
        )
      return same
    }
    const spare = this.#byOptions.get(options)?.pop()
    if (spare !== undefined) this.#byKey.delete(spare.target.key)
    return spare
  }
}
