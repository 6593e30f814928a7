import type { CommandTable } from './command.ts'

/**
 * In the order in which `kontrol help` lists them. Each is loaded when it is
 * called: a slave that only pings must not carry the parts of all the others.
 */
export const commands: CommandTable = {
  run: async () => (await import('./commands/run.ts')).run,
  demo: async () => (await import('./commands/demo.ts')).demo,
  ping: async () => (await import('./commands/ping.ts')).ping,
  status: async () => (await import('./commands/look/status.ts')).status,
  pods: async () => (await import('./commands/look/pods.ts')).pods,
  forget: async () => (await import('./commands/forget.ts')).forget,
  hosts: async () => (await import('./commands/look/hosts.ts')).hosts,
  servers: async () => (await import('./commands/look/servers.ts')).servers,
  top: async () => (await import('./commands/look/top.ts')).top,
  events: async () => (await import('./commands/look/events.ts')).events,
  state: async () => (await import('./commands/look/state.ts')).state,
  history: async () => (await import('./commands/look/history.ts')).history,
  diff: async () => (await import('./commands/look/diff.ts')).diff,
  dns: async () => (await import('./commands/look/dns.ts')).dns,
  goto: async () => (await import('./commands/goto.ts')).goto,
  drain: async () => (await import('./commands/drain.ts')).drain,
  render: async () => (await import('./commands/render.ts')).render,
  lifecycle: async () => (await import('./commands/look/lifecycle.ts')).lifecycle,
  config: async () => (await import('./commands/look/config.ts')).config,
  explain: async () => (await import('./commands/explain.ts')).explain
}
