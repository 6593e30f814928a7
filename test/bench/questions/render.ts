import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import nunjucks from 'nunjucks'
import { compileTemplate } from '../../../src/render/template.ts'
import { figure } from '../figures.ts'
import type { Options, Table } from '../table.ts'

const ROUNDS = 15
const ADDRESSES_PER_APP = 50

const sample = readFileSync(join(import.meta.dirname, '../../fixtures/templates/http.cfg.j2'), 'utf8')
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

/** The README's sample: ours, stock nunjucks (its loop written in the way that it wants) and Debian's python3-jinja2. */
export async function render({ quick }: Options): Promise<Table[]> {
  const ours = compileTemplate(sample)
  const stock = nunjucks.compile(nunjucksSample, new nunjucks.Environment(null, { autoescape: false }))
  const rows = (quick ? [10] : [10, 1_000, 10_000]).map((count) => {
    const hosts = hostsOf(count)
    const map = new Map(Object.entries(hosts))
    const reference = measureJinja2(hosts, count)
    const [ourText, stockText] = [ours.render({ hosts: map }).text, stock.render({ hosts })]
    if (ourText !== reference.text || stockText !== reference.text) {
      throw new Error(`the outputs differ at ${count} addresses`)
    }
    const ourMs = measure(() => ours.render({ hosts: map }).text, count)
    const stockMs = measure(() => stock.render({ hosts }), count)
    return [
      count.toLocaleString('en-US'),
      ...[ourMs, stockMs, reference.ms].map((ms) => ms.toFixed(3)),
      ...[ourMs / stockMs, ourMs / reference.ms, (ourMs * 1_000) / count].map(figure)
    ]
  })
  return [
    {
      title: 'Rendering, beside nunjucks and Jinja2',
      text: `The README's sample, in milliseconds; all three print the same text. nunjucks has its loop written so that it
works and automatic escaping off; Jinja2 is that of Debian's Python.`,
      columns: ['addresses', 'ours', 'nunjucks', 'Jinja2', 'ours / nunjucks', 'ours / Jinja2', 'ours, µs an address'],
      rows
    }
  ]
}
