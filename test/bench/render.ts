/**
 * Renders the README's sample with 10, 1,000 and 10,000 addresses: ours, stock
 * nunjucks (with its loop written in the way that nunjucks wants) and Debian's
 * python3-jinja2. Run: npx tsx test/bench/render.ts
 */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import { join } from 'node:path'
import nunjucks from 'nunjucks'
import { compileTemplate } from '../../src/render/template.ts'

const ROUNDS = 15
const ADDRESSES_PER_APP = 50

const sample = readFileSync(join(import.meta.dirname, '../fixtures/templates/http.cfg.j2'), 'utf8')
/** `for key in hosts` renders nothing in nunjucks, and it keeps the final newline. */
const nunjucksSample = sample.replace('for key in hosts %}', 'for key, ips in hosts %}').replace(/\n$/, '')

function hostsOf(count: number): Record<string, string[]> {
  const hosts: Record<string, string[]> = {}
  for (let index = 0; index < count; index++) {
    const app = `app-${String(Math.floor(index / ADDRESSES_PER_APP)).padStart(4, '0')}`
    ;(hosts[app] ??= []).push(`10.${(index >> 16) & 255}.${(index >> 8) & 255}.${index & 255}`)
  }
  return hosts
}

/** Milliseconds of the median round; a round renders often enough to be measurable. */
function measure(render: () => string, count: number): number {
  const repeats = Math.max(1, Math.floor(20_000 / count))
  const rounds = Array.from({ length: ROUNDS }, () => {
    const start = process.hrtime.bigint()
    for (let repeat = 0; repeat < repeats; repeat++) render()
    return Number(process.hrtime.bigint() - start) / 1e6 / repeats
  })
  return rounds.sort((a, b) => a - b)[Math.floor(ROUNDS / 2)] ?? Number.NaN
}

const PYTHON = `
import json, sys, time, jinja2
case = json.load(sys.stdin)
template = jinja2.Environment().from_string(case["sample"])
repeats = max(1, 20000 // case["count"])
rounds = []
for _ in range(case["rounds"]):
    start = time.perf_counter()
    for _ in range(repeats):
        text = template.render(hosts=case["hosts"])
    rounds.append((time.perf_counter() - start) * 1000 / repeats)
print(json.dumps({"ms": sorted(rounds)[len(rounds) // 2], "text": text}))
`

function measureJinja2(hosts: Record<string, string[]>, count: number): { ms: number; text: string } {
  const input = JSON.stringify({ sample, hosts, count, rounds: ROUNDS })
  const answer = execFileSync('python3', ['-c', PYTHON], { input, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 })
  return JSON.parse(answer) as { ms: number; text: string }
}

const ours = compileTemplate(sample)
const stock = nunjucks.compile(nunjucksSample, new nunjucks.Environment(null, { autoescape: false }))

console.log(`${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}\n`)
console.log(
  '| addresses | ours, ms | nunjucks, ms | Jinja2, ms | ours / nunjucks | ours / Jinja2 | ours, µs per address |'
)
console.log('| --- | --- | --- | --- | --- | --- | --- |')
for (const count of [10, 1_000, 10_000]) {
  const hosts = hostsOf(count)
  const map = new Map(Object.entries(hosts))
  const reference = measureJinja2(hosts, count)
  const [ourText, stockText] = [ours.render({ hosts: map }).text, stock.render({ hosts })]
  if (ourText !== reference.text || stockText !== reference.text)
    throw new Error(`the outputs differ at ${count} addresses`)
  const ourMs = measure(() => ours.render({ hosts: map }).text, count)
  const stockMs = measure(() => stock.render({ hosts }), count)
  const cells = [
    count.toLocaleString('en-US'),
    ...[ourMs, stockMs, reference.ms].map((ms) => ms.toFixed(3)),
    (ourMs / stockMs).toFixed(2),
    (ourMs / reference.ms).toFixed(2),
    ((ourMs * 1_000) / count).toFixed(2)
  ]
  console.log(`| ${cells.join(' | ')} |`)
}
