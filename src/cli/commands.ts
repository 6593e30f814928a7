import type { Command } from './command.ts'
import { config } from './config.ts'
import { demo } from './demo.ts'
import { goto } from './goto.ts'
import { history } from './history.ts'
import { hosts } from './hosts.ts'
import { lifecycle } from './lifecycle.ts'
import { ping } from './ping.ts'
import { pods } from './pods.ts'
import { run } from './run.ts'
import { state } from './state.ts'

/** In the order in which `kontrol help` lists them. */
export const commands: Record<string, Command> = {
  run,
  demo,
  ping,
  pods,
  hosts,
  state,
  history,
  goto,
  lifecycle,
  config
}
