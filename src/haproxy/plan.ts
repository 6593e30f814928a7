import type { ConfigImage, Pool, SectionImage } from './config-image.ts'
import type { ServerLine } from './server-line.ts'
import { keyed, type Slot, type SlotTable } from './slot-table.ts'

/** What it takes to get from the configuration that runs to the wanted one. */
export type Plan = { kind: 'none' } | { kind: 'runtime'; changes: PoolChange[] } | { kind: 'reload'; reasons: string[] }

export interface PoolChange {
  pool: Pool
  /** By their keys. */
  add: [string, ServerLine][]
  remove: Slot[]
}

/** What the worker loaded, and the servers it has by now. */
export interface LoadedConfig {
  image: ConfigImage
  slots: SlotTable
}

/** Past this a reload is kinder to HAProxy than a flood of commands, and leaves nothing behind. */
const MAX_OPERATIONS = 2_000

/**
 * Compares section by section, and servers by address, port and options: their
 * names shift when a template numbers them and one leaves.
 *
 * @param running undefined when what runs is not known
 */
export function planChange(running: LoadedConfig | undefined, wanted: ConfigImage): Plan {
  if (running === undefined) return { kind: 'reload', reasons: ['what HAProxy runs is not known'] }
  const changes = poolChanges(running, wanted)
  const reasons = [...frameReasons(running.image.sections, wanted.sections), ...serverReasons(changes, wanted)]
  if (reasons.length > 0) return { kind: 'reload', reasons }
  return changes.length === 0 ? { kind: 'none' } : { kind: 'runtime', changes }
}

function frameReasons(before: readonly SectionImage[], after: readonly SectionImage[]): string[] {
  const known = new Map(before.map(({ title, said }) => [title, said]))
  const titles = new Set(after.map(({ title }) => title))
  const reasons = after.flatMap(({ title, said }) => {
    if (!known.has(title)) return [`${title} is new`]
    return known.get(title) === said ? [] : [`${title} changed`]
  })
  for (const { title } of before) if (!titles.has(title)) reasons.push(`${title} is gone`)
  const moved = reasons.length === 0 && before.some(({ title }, index) => title !== after[index]?.title)
  return moved ? ['sections changed places'] : reasons
}

function poolChanges({ image, slots }: LoadedConfig, wanted: ConfigImage): PoolChange[] {
  const gone = [...image.pools.values()].filter(({ id }) => !wanted.pools.has(id))
  const pools = [...wanted.pools.values(), ...gone.map((pool) => ({ ...pool, servers: [] }))]
  return pools.map((pool) => poolChange(pool, slots)).filter(({ add, remove }) => add.length + remove.length > 0)
}

function poolChange(pool: Pool, slots: SlotTable): PoolChange {
  const live = slots.live(pool.id)
  const servers = keyed(pool.servers)
  const add = [...servers].filter(([key]) => !live.has(key))
  const kept = servers.size - add.length
  const remove = kept === live.size ? [] : [...live.values()].filter(({ key }) => !servers.has(key))
  return { pool, add, remove }
}

function serverReasons(changes: PoolChange[], wanted: ConfigImage): string[] {
  if (changes.length === 0) return []
  const reasons = new Set<string>()
  if (wanted.obstacle !== undefined) reasons.add(`servers change, and ${wanted.obstacle} is in the configuration`)
  for (const { pool, add, remove } of changes) {
    const { backend } = pool
    const obstacle = wanted.obstacles.get(backend)
    if (obstacle !== undefined) reasons.add(`backend ${backend}: servers change under ${obstacle}`)
    const strange = add.find(([, server]) => server.obstacle !== undefined)?.[1]
    if (strange !== undefined) reasons.add(`backend ${backend}: server ${strange.name} has ${strange.obstacle}`)
    const odd = remove.find(({ address }) => address === '')
    if (odd !== undefined) reasons.add(`backend ${backend}: server ${odd.name} has an address that is none in numbers`)
  }
  const operations = changes.reduce((sum, { add, remove }) => sum + add.length + remove.length, 0)
  if (operations > MAX_OPERATIONS) reasons.add(`${operations} servers change at once`)
  return [...reasons]
}
