import { isSameIp } from '../../model/ip.ts'
import type { ServerState } from '../socket/show-servers-state.ts'
import type { Slot, ServerTable } from './server-table.ts'

const MAINTENANCE_OR_DRAIN = 1 | 8

/**
 * Compares what HAProxy shows with what it should have.
 *
 * @param fresh servers that were just made to serve: of others an operator may have taken one out by hand
 * @returns the first difference in words
 */
export function driftOf(
  states: readonly ServerState[],
  backends: readonly string[],
  table: ServerTable,
  fresh: ReadonlySet<Slot>
): string | undefined {
  const seen = new Set<Slot>()
  for (const state of states) {
    const slot = table.find(state.backend, state.name)
    if (slot === undefined && table.isReserved(state.backend, state.name)) continue
    if (slot === undefined) return `${state.backend}/${state.name} is there, and nobody made it`
    const difference = differenceOf(slot, state, fresh.has(slot))
    if (difference !== undefined) return `${state.backend}/${state.name} ${difference}`
    seen.add(slot)
  }
  for (const backend of backends) {
    for (const slot of table.ofBackend(backend)) if (!seen.has(slot)) return `${backend}/${slot.name} is gone`
  }
  return undefined
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
