/**
 * The HAProxy stage alone, with 10,000 servers: from a rendered text to the
 * change being live, for the kinds of change that there are. Run: npx tsx test/bench/apply.ts [servers]
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { cpus, totalmem } from 'node:os'
import { compileTemplate } from '../../src/render/template.ts'
import { fleetIp, fleetTemplate } from '../support/load/fleet-config.ts'
import { ownAddress, startHaproxy } from '../support/haproxy/start-haproxy.ts'
import { row } from '../support/load/warm-fleet.ts'

const ROUNDS = 6
const size = Number(process.argv[2] ?? 10_000)
await using haproxy = await startHaproxy()
const template = compileTemplate(fleetTemplate(ownAddress(), 80))
const text = (from: number, to: number): string =>
  template.render({
    hosts: new Map([['fleet', Array.from({ length: to - from }, (_, n) => fleetIp(from + n))]])
  }).text

const times = new Map<string, number[]>()
async function measure(name: string, next: string, change: string): Promise<void> {
  const start = performance.now()
  const { outcome } = await haproxy.driver.configure(next)
  if (outcome === 'reload') await haproxy.driver.restart()
  times.set(name, [...(times.get(name) ?? []), performance.now() - start])
  if (outcome !== change) throw new Error(`${name} was ${outcome} and not ${change}`)
  // The check of the file, which is behind the change.
  await sleep(500 + size / 5)
}

const all = text(0, size)
const marked = all.replace('balance leastconn', 'balance roundrobin')
await haproxy.driver.configure(all)
await haproxy.driver.restart()
for (let round = 0; round < ROUNDS; round++) {
  await measure('one joins, at the end of the list', text(0, size + 1), 'applied')
  await measure('one leaves, from the end of the list', all, 'applied')
  await measure('the first leaves, and every number shifts', text(1, size), 'applied')
  await measure('it comes back, and every number shifts', all, 'applied')
  await measure('nothing changed', all, 'unchanged')
  if (round % 4 > 0) continue
  await measure('a reload: check and load', marked, 'reload')
  await measure('a reload: check and load', all, 'reload')
}
console.log(
  `${cpus().length} cores, ${(totalmem() / 2 ** 30).toFixed(0)} GiB, Node ${process.version}, ${size} servers`
)
console.log(`${'ms'.padEnd(44)}      p50      p99      n`)
for (const [name, taken] of times) console.log(row(name, taken))
