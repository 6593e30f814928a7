import type { ConfigModel, Pool } from '../config/model.ts'
import { isChecked, valueOf } from '../config/server-line.ts'
import type { ServerState } from '../socket/show-servers-state.ts'

const RUNNING = 2

const HEADER = `1
# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_iweight srv_time_since_last_change srv_check_status srv_check_result srv_check_health srv_check_state srv_agent_state bk_f_forced_id srv_f_forced_id srv_fqdn srv_port srvrecord srv_use_ssl srv_check_port srv_check_addr srv_agent_addr srv_agent_port
`

/**
 * What a new worker shall know of the servers that it has in common with the
 * former one: which are down, taken out by hand, or otherwise weighted.
 *
 * HAProxy's own dump will not do: it goes by names, which shift, and the port,
 * transport and check address in it win over those of the configuration.
 */
export function serverStateFile(states: readonly ServerState[], { pools }: Pick<ConfigModel, 'pools'>): string {
  const remarkable = new Map(states.filter(isRemarkable).map((state) => [placeOf(state), state]))
  if (remarkable.size === 0) return HEADER
  const rows = [...pools.values()].flatMap((pool) => rowsOf(pool, remarkable))
  return HEADER + rows.map((cells) => `${cells.join(' ')}\n`).join('')
}

function rowsOf({ backend, inherited, servers }: Pool, remarkable: ReadonlyMap<string, ServerState>): string[][] {
  return servers.flatMap(({ name, target }) => {
    const state = remarkable.get(placeOf({ backend, ...target }))
    const words = [...inherited, ...target.words]
    const checked = isChecked(words)
    if (state === undefined || (!checked && !isByHand(state) && state.operational !== RUNNING)) return []
    const cells = state.cells.with(3, name)
    // Without a check it would stay down for ever; taken out by hand, it is down for that alone.
    if (!checked) cells[5] = String(RUNNING)
    // What an agent made of the weight, it says again.
    if (cells[14] !== '0') cells[7] = cells[8] ?? ''
    for (const [at, cell] of settingsOf(words)) cells[at] = cell
    return [cells]
  })
}

/** Cells that win over the configuration, as the configuration has them: transport, check port and address, the agent's. */
function settingsOf(words: readonly string[]): [number, string][] {
  const port = valueOf(words, 'port') ?? '0'
  return [
    [20, words.lastIndexOf('ssl') > words.lastIndexOf('no-ssl') ? '1' : '0'],
    [21, port],
    [22, '-'],
    [23, '-'],
    [24, valueOf(words, 'agent-port') ?? port]
  ]
}

/** Bits of the administrative state that somebody set by hand: maintenance, drain. Others follow from the configuration. */
const BY_HAND = 1 | 8

const isByHand = ({ administrative }: ServerState): boolean => (administrative & BY_HAND) !== 0

function isRemarkable(state: ServerState): boolean {
  return state.operational !== RUNNING || isByHand(state) || state.cells[7] !== state.cells[8]
}

function placeOf({ backend, address, port }: Pick<ServerState, 'backend' | 'address' | 'port'>): string {
  return `${backend} ${address} ${port}`
}
