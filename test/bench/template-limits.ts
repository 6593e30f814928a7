/**
 * How long keepalives wait while a template costs as much as it can: sent each 5 ms by another process, whatever became
 * of those before; and the longest turn of the event loop in processor time, which says the same on a machine that has
 * other things to do. Run: npm run build && npx tsx test/bench/template-limits.ts
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { cpus, totalmem } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { ownAddress } from '../support/haproxy/start-haproxy.ts'
import { startService } from '../support/service/start-service.ts'
import { tempDir } from '../support/temp-dir.ts'
import { percentile } from '../support/load/warm-fleet.ts'

const calm = 'defaults\n  mode http\n  timeout client 5s\n  timeout connect 1s\n  timeout server 5s\n'
const list = (body: string): string => `${calm}{% set l = [] %}${body}`
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
const templates: Record<string, string> = {
  'nothing but keepalives': `${calm}# idle`,
  'products of large numbers': `{% set b = 2**32000-1 %}{% for i in range(40000) %}{% set c = b*b %}{% endfor %}`,
  'lists of lists': list(
    '{% for i in range(900000) %}{% set _ = l.append([i, [i], [i, [i]]]) %}{% endfor %}# {{ l|length }}'
  ),
  'copies of a list': list(
    '{% set a = [0]*900000 %}{% for i in range(70) %}{% set _ = l.append(a + [i]) %}{% endfor %}# {{ l|length }}'
  ),
  '0.1 MB of rules and servers': rules(110),
  '1 MB of rules and servers': rules(1_100),
  '5 MB of rules and servers': rules(5_500),
  'the most that is applied: 6 MiB': rules(6_800),
  '200,000 lines': `${calm}{% for i in range(199990) %}\n{% endfor %}`,
  '5 MB of comments': `${calm}{% for i in range(50000) %}${`# ${'y'.repeat(97)}\n`}{% endfor %}`,
  '20,000 servers': `${calm}backend b{% for i in range(20000) %}\n  server s{{ i }} 127.0.0.1:{{ 20000 + i % 1000 }}{% endfor %}\n`,
  '15 MB of comments': `${calm}{% for i in range(150000) %}${`# ${'z'.repeat(97)}\n`}{% endfor %}`,
  'a line of 15 MB': `${calm}{% for i in range(150000) %}${'w'.repeat(100)}{% endfor %}`
}

interface Entry {
  id: number
  outcome: string
  phases: Record<string, number>
  error: { code: string; message: string } | null
}

await using dir = await tempDir()
const file = dir.file('template')
await writeFile(file, templates['nothing but keepalives'] ?? '')
const isDry = process.argv.includes('--dry-run')
const only = process.argv.find((word) => word.startsWith('--only='))?.slice('--only='.length) ?? ''
await using service = await startService({
  env: {
    KONTROL_CONFIG_FILE: file,
    KONTROL_DAMPER: '0',
    NODE_OPTIONS: `--import ${join(import.meta.dirname, '../support/load/turn-watch.mjs')} ${process.env.NODE_OPTIONS ?? ''}`,
    TURN_WATCH: dir.file('turn'),
    ...(isDry && { KONTROL_DRY_RUN: 'on' })
  }
})
await service.ready()

const pinger = spawn(
  process.execPath,
  [join(import.meta.dirname, '../support/load/pinger.mjs'), String(service.port)],
  {
    stdio: ['pipe', 'pipe', 'inherit']
  }
)
let said = ''
pinger.stdout.on('data', (chunk) => (said += String(chunk)))
/** Milliseconds that those sent since the last look took. */
async function waits(): Promise<number[]> {
  said = ''
  pinger.stdin.write('tell\n')
  while (!said.includes('\n')) await sleep(10)
  return JSON.parse(said) as number[]
}

/** Milliseconds of processor time of the longest turn since the last look. */
async function longestTurn(): Promise<number> {
  await writeFile(dir.file('turn'), '')
  process.kill(service.pid ?? 0, 'SIGUSR2')
  let turn = ''
  while (turn === '') {
    await sleep(10)
    turn = await readFile(dir.file('turn'), 'utf8')
  }
  return Number(turn)
}

const last = async (): Promise<Entry | undefined> =>
  (await service.json<{ reconfigurations: Entry[] }>('/api/v1/reconfigurations')).reconfigurations.at(-1)

console.log(`${cpus().length} cores, ${(totalmem() / 2 ** 30).toFixed(0)} GiB, Node ${process.version}\n`)
console.log('| template | rendered in, ms | what came of it | keepalives | p50, ms | p99 | longest | longest turn |')
console.log('| --- | --: | --- | --: | --: | --: | --: | --: |')
for (const [name, text] of Object.entries(templates).filter(([title]) => title.includes(only))) {
  await sleep(1_000)
  const before = (await last())?.id
  await waits()
  await longestTurn()
  await writeFile(file, `${text}\n# ${name}`)
  let entry: Entry | undefined
  do {
    await sleep(500)
    entry = await last()
  } while (entry === undefined || entry.id === before || entry.outcome === 'running')
  await sleep(500)
  const times = (await waits()).sort((one, other) => one - other)
  const { outcome, error, phases } = entry
  const came = error === null ? outcome : `${error.code}: ${error.message.split('\n')[0]?.slice(0, 70)}`
  const figures = [percentile(times, 0.5), percentile(times, 0.99), times.at(-1) ?? 0, await longestTurn()].map((ms) =>
    ms.toFixed(1)
  )
  console.log(`| ${[name, phases.render?.toFixed(0), came, times.length, ...figures].join(' | ')} |`)
}
pinger.stdin.end()
await once(pinger, 'exit')
await service.kill('SIGTERM')
