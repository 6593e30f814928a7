import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { ownAddress } from '../../support/haproxy/start-haproxy.ts'
import { startService, type RunningService } from '../../support/service/start-service.ts'
import { startPinger } from '../../support/load/start-pinger.ts'
import { tempDir } from '../../support/temp-dir.ts'
import { atMost, figure } from '../figures.ts'
import { percentile } from '../../support/load/warm-fleet.ts'
import type { Options, Table } from '../table.ts'

const PINGS_A_SECOND = 200
const AIM_MS = 100

const calm = 'defaults\n  mode http\n  timeout client 5s\n  timeout connect 1s\n  timeout server 5s\n'
/** Backends as fleets have them: rules, and a few servers each. */
const rules = (backends: number): string => `${calm}frontend f
  bind ${ownAddress()}:8080
  http-request set-header X-Fleet ${'f'.repeat(20)}
{% for i in range(${backends}) %}backend service-{{ i }}
  balance leastconn
  option httpchk GET /health
  acl internal src 10.0.0.0/8 192.168.0.0/16
  http-request deny deny_status 403 if !internal { path_beg /admin /metrics /debug }
  http-request set-header X-Service "service {{ i }}"
  http-response set-header Strict-Transport-Security "max-age=31536000; includeSubDomains"
{% for j in range(6) %}  server pod-{{ i }}-{{ j }} 127.{{ 1 + i // 250 }}.{{ i % 250 }}.{{ j + 1 }}:{{ 20000 + j }} check inter 60s fall 2 rise 1 weight 100 maxconn 200
{% endfor %}{% endfor %}`

const IDLE = 'nothing but keepalives'
/** Each with what may come of it: the largest ones load on a machine that is quick enough. */
const templates: Record<string, { text: string; ends: readonly string[] }> = {
  [IDLE]: { text: `${calm}# idle`, ends: ['applied', 'reloaded', 'unchanged'] },
  '900,000 lists of lists': {
    text: `${calm}{% set l = [] %}{% for i in range(900000) %}{% set _ = l.append([i, [i], [i, [i]]]) %}{% endfor %}# {{ l|length }}`,
    ends: ['reloaded', 'applied', 'unchanged']
  },
  '0.1 MB of rules and servers': { text: rules(110), ends: ['reloaded'] },
  '1 MB of rules and servers': { text: rules(1_100), ends: ['reloaded'] },
  '5 MB of rules and servers': { text: rules(5_500), ends: ['reloaded', 'failed'] },
  'the most that is taken, 6 MiB': { text: rules(6_800), ends: ['reloaded', 'failed'] },
  '200,000 lines': { text: `${calm}{% for i in range(199990) %}\n{% endfor %}`, ends: ['failed'] },
  '5 MB of comments': {
    text: `${calm}{% for i in range(50000) %}${`# ${'y'.repeat(97)}\n`}{% endfor %}`,
    ends: ['failed']
  },
  '20,000 servers': {
    text: `${calm}backend b{% for i in range(20000) %}\n  server s{{ i }} 127.0.0.1:{{ 20000 + i % 1000 }}{% endfor %}\n`,
    ends: ['failed']
  },
  '15 MB of comments, beyond the limit': {
    text: `${calm}{% for i in range(150000) %}${`# ${'z'.repeat(97)}\n`}{% endfor %}`,
    ends: ['failed']
  }
}
const CHEAP = [IDLE, '0.1 MB of rules and servers']

interface Entry {
  id: number
  outcome: string
  phases: Record<string, number>
  error: { code: string; message: string } | null
}

const last = async (service: RunningService): Promise<Entry | undefined> =>
  (await service.json<{ reconfigurations: Entry[] }>('/api/v1/reconfigurations')).reconfigurations.at(-1)

/** Milliseconds of processor time of the longest turn since the last look. */
async function longestTurn(service: RunningService, file: string): Promise<number> {
  await writeFile(file, '')
  process.kill(service.pid ?? 0, 'SIGUSR2')
  let turn = ''
  while (turn === '') {
    await sleep(10)
    turn = await readFile(file, 'utf8')
  }
  return Number(turn)
}

/** The next one that ends. */
async function nextEnd(service: RunningService, before: number | undefined): Promise<Entry> {
  for (;;) {
    await sleep(200)
    const entry = await last(service)
    if (entry !== undefined && entry.id !== before && entry.outcome !== 'running') return entry
  }
}

/** How long keepalives wait while a template costs as much as it can. */
export async function templateLimits({ quick }: Options): Promise<Table[]> {
  await using dir = await tempDir()
  const [file, turns] = [dir.file('template'), dir.file('turn')]
  await writeFile(file, templates[IDLE]?.text ?? '')
  const watch = join(import.meta.dirname, '../../support/load/turn-watch.mjs')
  await using service = await startService({
    env: {
      KONTROL_CONFIG_FILE: file,
      KONTROL_DAMPER: '0',
      NODE_OPTIONS: `--import ${watch}`,
      TURN_WATCH: turns
    }
  })
  await service.ready()
  await using pinger = startPinger(service.port, PINGS_A_SECOND)
  const rows: string[][] = []
  for (const [name, { text, ends }] of Object.entries(templates).filter(([name]) => !quick || CHEAP.includes(name))) {
    await sleep(1_000)
    const before = (await last(service))?.id
    await pinger.waits()
    await longestTurn(service, turns)
    await writeFile(file, `${text}\n# ${name}`)
    const { outcome, error, phases } = await nextEnd(service, before)
    await sleep(500)
    const times = await pinger.waits()
    const turn = await longestTurn(service, turns)
    if (!ends.includes(outcome)) throw new Error(`${name}: ${outcome} ${error?.message ?? ''}`)
    const longest = Math.max(...times)
    const came = error === null ? outcome : `refused: \`${error.code}\``
    const figures = [turn, percentile(times, 0.5), longest].map(figure)
    rows.push([name, figure(phases.render ?? 0), came, ...figures, atMost(AIM_MS, longest)])
  }
  return [
    {
      title: 'Keepalives meanwhile',
      text: `How long keepalives wait while templates are rendered and applied, in milliseconds: the longest turn of the event
loop, as processor time of its thread, which other programs of the machine do not lengthen, and the p50 and the longest wait of
the ${PINGS_A_SECOND} keepalives a second that another process sends all the while. Where HAProxy needs all cores for itself, as
while it reads the largest of these twice, a keepalive waits for its turn on a core as everything else there does.`,
      columns: ['template', 'rendered in', 'what came of it', 'longest turn', 'keepalive p50', 'longest', 'aim'],
      rows
    }
  ]
}
