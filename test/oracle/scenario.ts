/** A configuration as an operator thinks of it; `render` writes it down. */
export interface Scenario {
  /** Its pods come and go, and hardly anything else changes. */
  fleet: boolean
  /** Before the first section. */
  preamble: string[]
  global: string[]
  defaults: { title: string; lines: string[] }[]
  frontends: Proxy[]
  backends: BackendPart[]
  /** Peers, rings, resolvers and the like, whole. */
  others: string[]
}

export interface Proxy {
  title: string
  lines: string[]
}

export interface BackendPart extends Proxy {
  servers: ServerPart[]
  /** Names servers by their number, as a template with `loop.index` does. */
  numbered: boolean
  /** Lines behind the servers. */
  tail: string[]
}

export interface ServerPart {
  name: string
  /** Last number of the pod's address. */
  pod: number
  port: number
  /** Nobody listens there, where a check finds that out: who else meets it is chance. */
  dead: boolean
  options: string
  comment: string
  /** Condition of an `.if` around it. */
  condition: string | undefined
}

/** Addresses of the driven HAProxy begin with this; those of the fresh one are put in their place. */
export const prefixOf = (block: number): string => `127.${block}.`

export function podAddress(prefix: string, pod: number): string {
  return `${prefix}2.${pod}`
}

export function render(scenario: Scenario, prefix: string): string {
  const { preamble, global, defaults, frontends, backends, others } = scenario
  // A check that is led elsewhere finds no dead server, and each request to one takes seconds.
  const death = !/(?<![-\w])(?:port|addr) [\d@]/.test(JSON.stringify(scenario))
  const line = (server: ServerPart, number?: number): string[] => serverLines(server, death, number, prefix)
  const lines = [
    ...preamble,
    ...(global.length === 0 ? [] : ['global', ...indent(global)]),
    ...others,
    ...defaults.flatMap(({ title, lines }) => [title, ...indent(lines)]),
    ...frontends.flatMap(({ title, lines }) => ['', title, ...indent(lines)]),
    ...backends.flatMap(({ title, lines, servers, numbered, tail }) => [
      '',
      title,
      ...indent(lines),
      ...servers.flatMap((server, index) => line(server, numbered ? index + 1 : undefined)),
      ...indent(tail)
    ])
  ]
  return `${lines.join('\n')}\n`.replaceAll('@@', prefix)
}

function serverLines(server: ServerPart, death: boolean, number: number | undefined, prefix: string): string[] {
  const { name, pod, options, comment, condition } = server
  const port =
    death && server.dead && /(?:^| )check(?: |$)/.test(options) && !options.includes('no-check') ? 1 : server.port
  const named = number === undefined ? name : `${name}${number}`
  const line =
    `  server ${named} ${podAddress(prefix, pod)}:${port} ${options.replaceAll('@id', String(100 + pod))}${comment}`.trimEnd()
  return condition === undefined ? [line] : [`.if ${condition}`, line, '.endif']
}

const indent = (lines: readonly string[]): string[] => lines.map((line) => (line.startsWith('.') ? line : `  ${line}`))
