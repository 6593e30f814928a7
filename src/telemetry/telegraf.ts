import type { OpentsdbEndpoint } from './opentsdb-endpoint.ts'

export interface TelegrafInput {
  tags: Readonly<Record<string, string>>
  endpoint: OpentsdbEndpoint
  /** HAProxy's own stats socket: the operator needs no `listen stats`. */
  statsSocket: string
}

/** Renders a Jinja2 template. */
export type RenderTemplate = (template: string, variables: Readonly<Record<string, unknown>>) => string

/** telegraf.conf from the packaged `telegraf.conf.njk`, which gets its values as TOML literals. */
export function renderTelegrafConf(template: string, input: TelegrafInput, render: RenderTemplate): string {
  const { tags, endpoint, statsSocket } = input
  const host = endpoint.host.includes(':') ? `[${endpoint.host}]` : endpoint.host
  return render(template, {
    tags: Object.entries(tags).map(([key, value]) => ({ key: tomlString(key), value: tomlString(value) })),
    opentsdb: { host: tomlString(`tcp://${host}`), port: endpoint.port },
    stats_socket: tomlString(`socket:${statsSocket}`)
  })
}

/** TOML's basic strings take JSON's escapes, and want DEL escaped too. */
function tomlString(text: string): string {
  return JSON.stringify(text).replaceAll('\u007f', '\\u007F')
}
