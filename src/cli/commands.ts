import type { CommandTable } from './command.ts'

/**
 * In the order in which `kontrol help` lists them. Each is loaded when it is
 * called: a slave that only pings must not carry the parts of all the others.
 */
export const commands: CommandTable = {
  run: async () => (await import('./run.ts')).run,
  demo: async () => (await import('./demo.ts')).demo,
  ping: async () => (await import('./ping.ts')).ping,
  pods: async () => (await import('./pods.ts')).pods,
  hosts: async () => (await import('./hosts.ts')).hosts,
  state: async () => (await import('./state.ts')).state,
  history: async () => (await import('./history.ts')).history,
  dns: async () => (await import('./dns.ts')).dns,
  goto: async () => (await import('./goto.ts')).goto,
  drain: async () => (await import('./drain.ts')).drain,
  render: async () => (await import('./render.ts')).render,
  lifecycle: async () => (await import('./lifecycle.ts')).lifecycle,
  config: async () => (await import('./config.ts')).config
}
