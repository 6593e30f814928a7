import type { ConfigModel, Pool } from '../config/model.ts'
import type { NewServer, PoolChange } from './plan.ts'
import { isChecked, type ServerTarget } from '../config/server-line.ts'
import { isReusable, type Slot, type ServerTable } from './server-table.ts'

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
  /** In HAProxy, where numbers matter; else 0. */
  id: number
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
    const ring = model.rings.get(pool.backend)
    const numbered = ring === 'places' || ring === 'order'
    const dynamicCookie = model.dynamicCookies.has(pool.backend)
    return add.map(({ server, id }) => {
      const slot = numbered ? idle.withId(id, server.target) : idle.take(server.target)
      return addition({ pool, server, id, slot, table, taken, dynamicCookie })
    })
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

interface Addition extends NewServer {
  pool: Pool
  slot: Slot | undefined
  table: ServerTable
  /** Names given in this very change, with their backends. */
  taken: Set<string>
  dynamicCookie: boolean
}

function addition({ pool, server, id, slot, table, taken, dynamicCookie }: Addition): Operation {
  const { id: poolId, backend, inherited } = pool
  const { target } = server
  const said = [...inherited, ...target.words]
  const checked = isChecked(said)
  if (slot !== undefined) {
    const commands = reuseCommands(slot, target, checked)
    return { kind: 'reuse', pool: poolId, backend, name: slot.name, id: slot.id, target, commands }
  }
  let name = table.freeName(backend, server.name)
  for (let count = 2; taken.has(`${backend}/${name}`); count++) {
    name = table.freeName(backend, `${server.name}:${count}`)
  }
  taken.add(`${backend}/${name}`)
  const host = target.address.includes(':') ? `[${target.address}]` : target.address
  const numbered = id === undefined || target.id > 0 ? [] : [`id ${id}`]
  const options = [STATIC_DEFAULTS, ...said, ...checkTransport(said), ...numbered].join(' ')
  const commands = [
    { text: `add server ${backend}/${name} ${host}:${target.port} ${options}`, answer: /^New server registered\.$/ },
    ...(checked ? [{ text: `enable health ${backend}/${name}`, answer: NOTHING }] : []),
    // 2.6 gives a new server its cookie only now.
    ...(dynamicCookie ? [{ text: `enable dynamic-cookie backend ${backend}`, answer: NOTHING }] : []),
    setServer({ backend, name }, 'state ready')
  ]
  return { kind: 'add', pool: poolId, backend, name, id: id ?? target.id, target, commands }
}

/** Options that have a PROXY header sent. */
const PROXY_HEADER = ['send-proxy', 'send-proxy-v2', 'send-proxy-v2-ssl', 'send-proxy-v2-ssl-cn', 'proxy-v2-options']

/** A server of the file is checked over the transport of its traffic, unless the check goes elsewhere; one made at runtime has to say so. */
function checkTransport(said: readonly string[]): string[] {
  if (said.includes('port') || said.includes('addr')) return []
  return [
    ...(said.includes('ssl') && !said.includes('check-ssl') ? ['check-ssl'] : []),
    ...(PROXY_HEADER.some((option) => said.includes(option)) ? ['check-send-proxy'] : [])
  ]
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
  const { pool, backend, name, id } = slot
  const commands = [setServer(slot, sticky ? 'state maint' : 'state drain')]
  return { kind: 'drain', pool, backend, name, id, target: undefined, commands }
}

function setServer({ backend, name }: Pick<Slot, 'backend' | 'name'>, words: string, answer = NOTHING): RuntimeCommand {
  return { text: `set server ${backend}/${name} ${words}`, answer }
}

/** The slots of a pool that are free, each given away once. */
class IdleSlots {
  readonly #all: readonly Slot[]
  readonly #byKey = new Map<string, Slot>()
  readonly #byOptions = new Map<string, Slot[]>()

  constructor(idle: ReadonlySet<Slot>) {
    this.#all = [...idle]
    for (const slot of idle) {
      this.#byKey.set(slot.target.key, slot)
      if (slot.state !== 'spare') continue
      const alike = this.#byOptions.get(slot.target.options)
      if (alike === undefined) this.#byOptions.set(slot.target.options, [slot])
      else alike.push(slot)
    }
  }

  /** The one with this number, if it can serve this. */
  withId(id: number | undefined, target: ServerTarget): Slot | undefined {
    return this.#all.find((slot) => slot.id === id && isReusable(slot, target))
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
