import { isSameIp } from '../../model/ip.ts'
import { eachInTurns } from '../../platform/turns.ts'
import type { ServerState } from '../socket/show-servers-state.ts'
import type { Slot, ServerTable } from './server-table.ts'

const MAINTENANCE_OR_DRAIN = 1 | 8

/**
 * Compares what HAProxy shows with what it should have.
 *
 * @param fresh servers that were just made to serve: of others an operator may have taken one out by hand
 * @returns the first difference in words
 */
export async function driftOf(
  states: readonly ServerState[],
  backends: readonly string[],
  table: ServerTable,
  fresh: ReadonlySet<Slot>
): Promise<string | undefined> {
  const seen = new Set<Slot>()
  let drift: string | undefined
  await eachInTurns(states, (state) => {
    drift ??= driftAt(state, table, fresh, seen)
  })
  if (drift !== undefined) return drift
  for (const backend of backends) {
    for (const slot of table.ofBackend(backend)) if (!seen.has(slot)) return `${backend}/${slot.name} is gone`
  }
  return undefined
}

function driftAt(
  state: ServerState,
  table: ServerTable,
  fresh: ReadonlySet<Slot>,
  seen: Set<Slot>
): string | undefined {
  const { backend, name } = state
  const slot = table.find(backend, name)
  if (slot === undefined) {
    return table.isReserved(backend, name) ? undefined : `${backend}/${name} is there, and nobody made it`
  }
  seen.add(slot)
  const difference = differenceOf(slot, state, fresh.has(slot))
  return difference === undefined ? undefined : `${backend}/${name} ${difference}`
}

function differenceOf(slot: Slot, state: ServerState, fresh: boolean): string | undefined {
  const out = (state.administrative & MAINTENANCE_OR_DRAIN) !== 0
  if (slot.state !== 'live') return out ? undefined : 'serves, and should not'
  if (fresh && out) return 'does not serve'
  // What was loaded with a name for an address has whatever that resolves to.
  const { address, port } = slot.target
  const literal = address !== '' && port !== 0
  const same = state.port === port && isSameIp(state.address, address)
  return !literal || same ? undefined : `has ${state.address}:${state.port} in place of ${address}:${port}`
}
