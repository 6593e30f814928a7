/**
 * How long keepalives wait while a template costs as much as it can: sent each 5 ms by another process, whatever became
 * of those before. Run: npm run build && npx tsx test/bench/template-limits.ts
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { cpus, totalmem } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { startService } from '../support/start-service.ts'
import { tempDir } from '../support/temp-dir.ts'
import { percentile } from '../support/warm-fleet.ts'

const calm = 'defaults\n  mode http\n  timeout client 5s\n  timeout connect 1s\n  timeout server 5s\n'
const list = (body: string): string => `${calm}{% set l = [] %}${body}`
const templates: Record<string, string> = {
  'nothing but keepalives': `${calm}# idle`,
  'products of large numbers': `{% set b = 2**32000-1 %}{% for i in range(40000) %}{% set c = b*b %}{% endfor %}`,
  'lists of lists': list(
    '{% for i in range(900000) %}{% set _ = l.append([i, [i], [i, [i]]]) %}{% endfor %}# {{ l|length }}'
  ),
  'copies of a list': list(
    '{% set a = [0]*900000 %}{% for i in range(70) %}{% set _ = l.append(a + [i]) %}{% endfor %}# {{ l|length }}'
  ),
  '1 MB of comments': `${calm}{% for i in range(10000) %}${`# ${'x'.repeat(97)}\n`}{% endfor %}`,
  '4 MB of comments': `${calm}{% for i in range(40000) %}${`# ${'y'.repeat(97)}\n`}{% endfor %}`,
  '15 MB of comments': `${calm}{% for i in range(150000) %}${`# ${'z'.repeat(97)}\n`}{% endfor %}`,
  'a line of 15 MB': `${calm}{% for i in range(150000) %}${'w'.repeat(100)}{% endfor %}`,
  '100,000 servers': `${calm}backend b{% for i in range(100000) %}\n  server s{{ i }} 127.0.0.1:{{ 20000 + i % 1000 }}{% endfor %}\n`
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
await using service = await startService({
  env: { KONTROL_CONFIG_FILE: file, KONTROL_DAMPER: '0', ...(isDry && { KONTROL_DRY_RUN: 'on' }) }
})
await service.ready()

const pinger = spawn(process.execPath, [join(import.meta.dirname, '../support/pinger.mjs'), String(service.port)], {
  stdio: ['pipe', 'pipe', 'inherit']
})
let said = ''
pinger.stdout.on('data', (chunk) => (said += String(chunk)))
/** Milliseconds that those sent since the last look took. */
async function waits(): Promise<number[]> {
  said = ''
  pinger.stdin.write('tell\n')
  while (!said.includes('\n')) await sleep(10)
  return JSON.parse(said) as number[]
}

const last = async (): Promise<Entry | undefined> =>
  (await service.json<{ reconfigurations: Entry[] }>('/api/v1/reconfigurations?limit=1')).reconfigurations.at(-1)

console.log(`${cpus().length} cores, ${(totalmem() / 2 ** 30).toFixed(0)} GiB, Node ${process.version}\n`)
console.log('| template | rendered in, ms | what came of it | keepalives | p50, ms | p99 | longest |')
console.log('| --- | --: | --- | --: | --: | --: | --: |')
for (const [name, text] of Object.entries(templates)) {
  await sleep(1_000)
  const before = (await last())?.id
  await waits()
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
  const figures = [percentile(times, 0.5), percentile(times, 0.99), times.at(-1) ?? 0].map((ms) => ms.toFixed(1))
  console.log(`| ${[name, phases.render?.toFixed(0), came, times.length, ...figures].join(' | ')} |`)
}
pinger.stdin.end()
await once(pinger, 'exit')
