import { setTimeout as sleep } from 'node:timers/promises'
import { compileTemplate } from '../../../src/render/template.ts'
import { fleetIp, fleetTemplate } from '../../support/load/fleet-config.ts'
import { ownAddress, startHaproxy } from '../../support/haproxy/start-haproxy.ts'
import { atMost, inEach, latencies, median, NONE, rounds } from '../figures.ts'
import type { Options, Table } from '../table.ts'

const FIRST_LEAVES = 'the first leaves, and every number behind it shifts'
const AIM_MS = 60

/** The HAProxy stage alone: from a rendered text to the change being live, by kind of change. */
export async function apply(options: Options): Promise<Table[]> {
  const size = options.quick ? 100 : 10_000
  await using haproxy = await startHaproxy()
  const template = compileTemplate(fleetTemplate(ownAddress(), 80))
  const text = (from: number, to: number): string => {
    const hosts = new Map([['fleet', Array.from({ length: to - from }, (_, n) => fleetIp(from + n))]])
    return template.render({ hosts }).text
  }
  const times = new Map<string, number[]>()
  const measure = async (name: string, next: string, change: string): Promise<void> => {
    const start = performance.now()
    const { outcome } = await haproxy.driver.configure(next)
    if (outcome === 'reload') await haproxy.driver.restart()
    times.set(name, [...(times.get(name) ?? []), performance.now() - start])
    if (outcome !== change) throw new Error(`${name} was ${outcome} and not ${change}`)
    // The check of the file, which is behind the change.
    await sleep(500 + size / 5)
  }
  const all = text(0, size)
  await haproxy.driver.configure(all)
  await haproxy.driver.restart()
  await sleep(500 + size / 5)
  await inEach(rounds(options, 6, 35), async () => {
    await measure('one joins, at the end of the list', text(0, size + 1), 'applied')
    await measure('one leaves, from the end of the list', all, 'applied')
    await measure(FIRST_LEAVES, text(1, size), 'applied')
    await measure('it comes back, and every number shifts', all, 'applied')
    await measure('nothing changed', all, 'unchanged')
  })
  return [
    {
      title: `${size.toLocaleString('en-US')} servers`,
      text: `The HAProxy stage alone, from the rendered text to the change being live, in milliseconds. What a change costs
does not follow from the size of the fleet but from how many lines are new: a shift of all numbers makes every one new. A
template that names its servers by address or pod, and not by \`loop.index\`, has none of that.`,
      columns: ['change', 'p50', 'p99', 'n', 'aim'],
      rows: [...times].map(([name, taken]) => [
        name,
        ...latencies(taken),
        name === FIRST_LEAVES ? atMost(AIM_MS, median(taken), ' ms') : NONE
      ])
    }
  ]
}
