import { eachInTurns } from '../../platform/turns.ts'

/** A row of `show servers state`. */
export interface ServerState {
  backendId: number
  backend: string
  serverId: number
  name: string
  address: string
  port: number
  /** 0 stopped, 1 starting, 2 running, 3 stopping. */
  operational: number
  /** Bits: 1 maintenance, 8 drain. */
  administrative: number
  cells: readonly string[]
}

/**
 * `show servers state`, version 1 of its format, as 2.6.12 and 3.0.11 print it:
 *
 *     1
 *     # be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_iweight srv_time_since_last_change srv_check_status srv_check_result srv_check_health srv_check_state srv_agent_state bk_f_forced_id srv_f_forced_id srv_fqdn srv_port srvrecord srv_use_ssl srv_check_port srv_check_addr srv_agent_addr srv_agent_port
 *     3 b 1 s1 127.0.77.2 0 0 1 1 3 8 2 0 6 0 0 0 - 9001 - 0 0 - - 0
 */
export async function parseServersState(text: string): Promise<ServerState[]> {
  const states: ServerState[] = []
  await eachInTurns(text.split('\n'), (line) => {
    const cells = line.split(' ')
    if (cells.length < 19 || line.startsWith('#')) return
    states.push({
      backendId: Number(cells[0]),
      backend: cells[1] ?? '',
      serverId: Number(cells[2]),
      name: cells[3] ?? '',
      address: cells[4] ?? '',
      operational: Number(cells[5]),
      administrative: Number(cells[6]),
      port: Number(cells[18]),
      cells
    })
  })
  return states
}
