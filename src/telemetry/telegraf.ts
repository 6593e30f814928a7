import { setTimeout as sleep } from 'node:timers/promises'
import { isFault, type SupervisordClient, supervisordFaults } from '../platform/process/supervisord-client.ts'
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

const PROGRAM = 'telegraf'
const POLL_MS = 50
/** supervisord kills it 10 s after it was told to end. */
const END_TIMEOUT_MS = 12_000

/**
 * Makes supervisord run telegraf with the configuration that was written last.
 *
 * @throws KontrolError KTL_SUPERVISOR_UNREACHABLE, KTL_SUPERVISOR_REFUSED
 */
export async function startTelegraf(client: SupervisordClient): Promise<void> {
  await untilEnded(client)
  try {
    await client.start(PROGRAM)
  } catch (error) {
    if (!isFault(error, supervisordFaults.alreadyStarted)) throw error
    // It outlives a restart of the control tier, and reads its configuration again.
    await client.signal(PROGRAM, 'HUP')
  }
}

/** supervisord says yes to a start while it still ends the former one, and does nothing. */
async function untilEnded(client: SupervisordClient): Promise<void> {
  const deadline = performance.now() + END_TIMEOUT_MS
  while ((await client.info(PROGRAM)).state === 'STOPPING' && performance.now() < deadline) await sleep(POLL_MS)
}

/**
 * Has supervisord run no telegraf, which is so already where it knows of none.
 *
 * @throws KontrolError KTL_SUPERVISOR_UNREACHABLE, KTL_SUPERVISOR_REFUSED
 */
export async function stopTelegraf(client: SupervisordClient): Promise<void> {
  try {
    await client.stop(PROGRAM)
  } catch (error) {
    const { notRunning, badName } = supervisordFaults
    if (!isFault(error, notRunning) && !isFault(error, badName)) throw error
  }
}
