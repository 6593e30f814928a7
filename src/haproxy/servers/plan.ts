import { withoutCommonEnds } from '../config/text-changes.ts'
import type { ConfigModel, Pool } from '../config/model.ts'
import type { ServerOrder } from '../config/server-order.ts'
import type { ServerLine } from '../config/server-line.ts'
import { isCutWhenDown, isReusable, type Slot, type ServerTable } from './server-table.ts'

/** What it takes to get from the configuration that runs to the wanted one. */
export type Plan = { kind: 'none' } | { kind: 'runtime'; changes: PoolChange[] } | { kind: 'reload'; reasons: string[] }

export interface PoolChange {
  pool: Pool
  add: NewServer[]
  remove: Slot[]
}

export interface NewServer {
  server: ServerLine
  /** The number that it gets, where numbers matter. */
  id: number | undefined
}

/** What runs: its servers were maybe changed since the worker loaded it. */
export interface RunningConfig {
  model: ConfigModel
  table: ServerTable
}

/** Past this a reload is kinder to HAProxy than a flood of commands, and leaves nothing behind. */
const MAX_OPERATIONS = 2_000

/** Nobody reads more of them, and a hundred changes are remembered. */
const MAX_REASONS = 20

/**
 * Compares section by section, and servers by address, port and options: their
 * names shift when a template numbers them and one leaves.
 *
 * @param running undefined when what runs is not known
 */
export function planChange(running: RunningConfig | undefined, wanted: ConfigModel): Plan {
  if (running === undefined) return { kind: 'reload', reasons: ['what HAProxy runs is not known'] }
  const skeleton = skeletonReasons(running.model.sections, wanted.sections)
  if (skeleton.length > MAX_REASONS) return { kind: 'reload', reasons: abridged(skeleton) }
  const changes = poolChanges(running, wanted)
  const reasons = [
    ...skeleton,
    ...serverReasons(changes, wanted),
    ...nameReasons(running.model, wanted),
    ...orderReasons(running.model, wanted, changes),
    ...ringReasons(running, wanted),
    ...namedReasons(running, wanted)
  ]
  if (reasons.length > 0) return { kind: 'reload', reasons: abridged(reasons) }
  return changes.length === 0 ? { kind: 'none' } : { kind: 'runtime', changes }
}

const abridged = (reasons: readonly string[]): string[] =>
  reasons.length > MAX_REASONS ? [...reasons.slice(0, MAX_REASONS), 'and more'] : [...reasons]

function skeletonReasons(before: ConfigModel['sections'], after: ConfigModel['sections']): string[] {
  const known = new Map(before.map(({ title, text }) => [title, text]))
  const titles = new Set(after.map(({ title }) => title))
  const reasons = after.flatMap(({ title, text }) => {
    if (!known.has(title)) return [`${title} is new`]
    return known.get(title) === text ? [] : [`${title} changed`]
  })
  for (const { title } of before) if (!titles.has(title)) reasons.push(`${title} is gone`)
  const moved = reasons.length === 0 && before.some(({ title }, index) => title !== after[index]?.title)
  return moved ? ['sections changed places'] : reasons
}

function poolChanges({ model, table }: RunningConfig, wanted: ConfigModel): PoolChange[] {
  const gone = [...model.pools.values()].filter(({ id }) => !wanted.pools.has(id))
  const pools = [...wanted.pools.values(), ...gone.map((pool) => ({ ...pool, servers: [] }))]
  return pools
    .map((pool) => poolChange(model.pools.get(pool.id)?.servers ?? [], pool, table))
    .map((change) => withIds(change, wanted, table))
    .filter(({ add, remove }) => add.length + remove.length > 0)
}

function withIds({ pool, add, remove }: Unnumbered, { rings, order }: ConfigModel, table: ServerTable): PoolChange {
  const ring = rings.get(pool.backend)
  if (ring === undefined || add.length === 0) {
    return { pool, remove, add: add.map((server) => ({ server, id: undefined })) }
  }
  const places = new Map(
    order
      .get(pool.backend)
      ?.placed()
      .map(({ server, id }) => [server, id])
  )
  if (ring === 'places') return { pool, remove, add: add.map((server) => ({ server, id: places.get(server) })) }
  const numbers = newNumbers(order.get(pool.backend), table, pool.backend)
  return { pool, remove, add: add.map((server) => ({ server, id: numbers.get(server) })) }
}

/** A number for each server of a backend, if it is new: none that another has, and in the order in which HAProxy would number them. */
function newNumbers(order: ServerOrder | undefined, table: ServerTable, backend: string): Map<ServerLine, number> {
  const placed = [...(order?.placed() ?? [])].sort((one, other) => one.id - other.id)
  const free = placed.reduce((highest, { server }) => Math.max(highest, server.target.id + 1), table.freeId(backend))
  return new Map(placed.map(({ server }, index) => [server, server.target.id || free + index]))
}

interface Unnumbered {
  pool: Pool
  add: ServerLine[]
  remove: Slot[]
}

function poolChange(running: readonly ServerLine[], pool: Pool, table: ServerTable): Unnumbered {
  const { before, after } = withoutCommonEnds(running, pool.servers, isSame)
  const gone = new Map<string, number>()
  for (const { target } of before) gone.set(target.key, (gone.get(target.key) ?? 0) + 1)
  const add = after.filter(({ target: { key } }) => {
    if (gone.size === 0) return true
    const left = gone.get(key) ?? 0
    if (left > 0) gone.set(key, left - 1)
    return left <= 0
  })
  const remove = [...gone].flatMap(([key, count]) => (count > 0 ? table.serving(pool.id, key).slice(0, count) : []))
  return { pool, add, remove }
}

/** Lines that did not change are the same objects. */
function isSame(one: ServerLine, other: ServerLine): boolean {
  return one === other || one.target.key === other.target.key
}

function serverReasons(changes: PoolChange[], wanted: ConfigModel): string[] {
  if (changes.length === 0) return []
  const operations = changes.reduce((sum, { add, remove }) => sum + add.length + remove.length, 0)
  // Of a flood nothing else need be said.
  if (operations > MAX_OPERATIONS) return [`${operations} servers change at once`]
  const reasons = new Set<string>()
  if (wanted.blocker !== undefined) reasons.add(`servers change, and ${wanted.blocker} is in the configuration`)
  for (const { pool, add, remove } of changes) {
    const { backend } = pool
    const blocker = wanted.blockers.get(backend)
    if (blocker !== undefined) reasons.add(`backend ${backend}: servers change under ${blocker}`)
    const strange = add.map(({ server }) => server).find(({ blocker }) => blocker !== undefined)
    if (strange !== undefined) reasons.add(`backend ${backend}: server ${strange.name} has ${strange.blocker}`)
    const leaves = leaveReason(remove, wanted.sticky.has(backend))
    if (leaves !== undefined) reasons.add(`backend ${backend}: server ${leaves}`)
  }
  return [...reasons]
}

/** Where names and order of servers mean something, they are compared too, also when none comes or goes. */
function orderReasons(before: ConfigModel, after: ConfigModel, changes: readonly PoolChange[]): string[] {
  const told = new Set(changes.map(({ pool }) => pool.backend))
  return [...after.order].flatMap(([backend, order]) => {
    if (told.has(backend) || !isExact(after, backend, order)) return []
    const former = before.order.get(backend)
    return former !== undefined && isSameOrder(former, order)
      ? []
      : [`backend ${backend}: servers change names or places, which mean something there`]
  })
}

/** Whether something in the text goes by the names, or the order, of a backend's servers. */
function isExact({ blocker, blockers }: ConfigModel, backend: string, { blocked }: ServerOrder): boolean {
  return blocker !== undefined || blockers.has(backend) || blocked
}

function isSameOrder(before: ServerOrder, after: ServerOrder): boolean {
  if (before.servers.length !== after.servers.length) return false
  return after.servers.every((server, index) => {
    const former = before.servers[index]
    const same = former === server || (former?.name === server.name && former.target.key === server.target.key)
    return same && before.pools[index] === after.pools[index]
  })
}

function ringReasons(running: RunningConfig, wanted: ConfigModel): string[] {
  return [...placeReasons(running, wanted), ...firstReasons(running, wanted)]
}

/** On a ring of keys a server's number is its place, and HAProxy counts them in the order of the file. */
function placeReasons({ table }: RunningConfig, { rings, order }: ConfigModel): string[] {
  return [...order].flatMap(([backend, servers]) => {
    if (rings.get(backend) !== 'places') return []
    const held = new Map([...table.ofBackend(backend)].map((slot) => [slot.id, slot]))
    const fits = servers.placed().every(({ server: { target }, pool, id }) => {
      const serving = table.serving(pool, target.key)
      if (serving.length > 0) return serving.some((slot) => slot.id === id)
      const holder = held.get(id)
      return holder === undefined || (holder.pool === pool && isReusable(holder, target))
    })
    return fits ? [] : [`backend ${backend}: servers change places on the ring of "hash-type consistent"`]
  })
}

/** Who has the lowest number is served first: only what comes behind all others is in its place. */
function firstReasons({ table }: RunningConfig, { rings, order }: ConfigModel): string[] {
  return [...order].flatMap(([backend, servers]) => {
    if (rings.get(backend) !== 'order') return []
    const numbers = newNumbers(servers, table, backend)
    const held = new Set([...table.ofBackend(backend)].map(({ id }) => id))
    const ids = [...servers.placed()]
      .sort((one, other) => one.id - other.id)
      .map(({ server, pool }) => {
        const [serving, another] = table.serving(pool, server.target.key)
        if (serving !== undefined) return another === undefined ? serving.id : NaN
        const id = numbers.get(server) ?? NaN
        return held.has(id) ? NaN : id
      })
    const fits = ids.every((id, index) => id > (ids[index - 1] ?? 0))
    return fits ? [] : [`backend ${backend}: servers change places under "balance first"`]
  })
}

/** What a line goes by has to be called so in HAProxy, too. */
function namedReasons({ table }: RunningConfig, { named, order }: ConfigModel): string[] {
  return [...named].flatMap(([backend, names]) => {
    const { servers = [], pools = [] } = order.get(backend) ?? {}
    const places = new Map(servers.map(({ name }, index) => [name, index]))
    return names
      .filter((name) => {
        const at = places.get(name) ?? -1
        const wanted = servers[at]
        const slot = table.find(backend, name)
        if (wanted === undefined) return slot?.state === 'live'
        const [serving, another] = table.serving(pools[at] ?? '', wanted.target.key)
        return serving === undefined || serving !== slot || another !== undefined
      })
      .map((name) => `backend ${backend}: server ${name}, which "use-server" names, changes`)
  })
}

/** Stickiness takes maintenance to keep new requests away, and that may cut what is under way. */
function leaveReason(remove: readonly Slot[], sticky: boolean): string | undefined {
  const odd = remove.find(({ target }) => target.address === '')
  if (odd !== undefined) return `${odd.name} has an address that is not a literal IP`
  const cut = sticky ? remove.find(isCutWhenDown) : undefined
  return cut && `${cut.name} leaves under "on-marked-down"`
}

/** HAProxy refuses a file with a name that stands twice in a backend, and then it would not start with it again. */
function nameReasons(before: ConfigModel, after: ConfigModel): string[] {
  return [...after.order].flatMap(([backend, { servers }]) => {
    const twice = nameUsedTwice(before.order.get(backend)?.servers ?? [], servers, after.conditional.get(backend))
    return twice === undefined ? [] : [`backend ${backend}: two servers are called ${twice}`]
  })
}

/** What ran before was checked, so a name that stands twice is one of a line that is new or has changed. */
function nameUsedTwice(
  former: readonly ServerLine[],
  servers: readonly ServerLine[],
  others: ReadonlySet<string> = new Set()
): string | undefined {
  const { after: changed } = withoutCommonEnds(former, servers, isCalledSame)
  if (changed.length === 0) return undefined
  const fresh = new Set(changed.map(({ name }) => name))
  const seen = new Set(others)
  for (const { name } of servers) {
    if (!fresh.has(name)) continue
    if (seen.has(name)) return name
    seen.add(name)
  }
  return undefined
}

const isCalledSame = (one: ServerLine, other: ServerLine): boolean => one.name === other.name
