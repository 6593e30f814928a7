/**
 * What it costs that templates are rendered by a process of their own: a pod joins and leaves a fleet, rendered there and here
 * by turns. Run: npx tsx test/bench/render-process.ts
 */
import { readFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import { join } from 'node:path'
import { appPodsOf, addressesOf, podsOf, type Backends } from '../../src/model/snapshot.ts'
import { systemClock } from '../../src/platform/clock.ts'
import { createLogger } from '../../src/platform/logger.ts'
import { compileTemplate, type TemplateVariables } from '../../src/render/template.ts'
import { TemplateProcess } from '../../src/render/template-process.ts'
import { fleetIp } from '../support/load/fleet-config.ts'
import { makePod } from '../support/registry/make-pod.ts'
import { percentile } from '../support/load/warm-fleet.ts'

const ROUNDS = 400

const templates = {
  hosts: readFileSync(join(import.meta.dirname, '../fixtures/templates/http.cfg.j2'), 'utf8'),
  pods: '{% for app, list in pods|dictsort %}backend {{ app }}\n{% for p in list %}  server {{ p.key }} {{ p.ip }}:{{ p.payload.port }}\n{% endfor %}{% endfor %}'
}

const pods = Array.from({ length: 10_001 }, (_, seq) => makePod(seq, { ip: fleetIp(seq), payload: { port: 8080 } }))
/** One that a pod has joined holds the others as they were, as the registry's do. */
const fleet = (size: number): Backends => new Map([['web', appPodsOf(pods.slice(0, size))]])
const variables = (backends: Backends): TemplateVariables => ({ hosts: addressesOf(backends), pods: podsOf(backends) })

const logger = await createLogger('warn')
console.log(`${cpus().length} cores, ${(totalmem() / 2 ** 30).toFixed(0)} GiB, Node ${process.version}\n`)
console.log('| template | pods | here, ms | p99 | in the process, ms | p99 | more, ms |')
console.log('| --- | --: | --: | --: | --: | --: | --: |')
for (const [name, source] of Object.entries(templates)) {
  for (const size of [10, 1_000, 10_000]) {
    const [few, many] = [variables(fleet(size)), variables(fleet(size + 1))]
    const renderings = new TemplateProcess({ clock: systemClock, logger, memoryMb: 512 })
    const [here, there] = [compileTemplate(source), renderings.compile(source)]
    const times = { here: [] as number[], there: [] as number[] }
    for (let round = 0; round < ROUNDS; round++) {
      const now = round % 2 === 0 ? few : many
      const start = performance.now()
      const { text } = here.render(now)
      const between = performance.now()
      const { text: same } = await there.render(now)
      const end = performance.now()
      if (text !== same) throw new Error('the texts differ')
      if (round < 50) continue
      times.here.push(between - start)
      times.there.push(end - between)
    }
    const figures = [times.here, times.there].flatMap((list) => [percentile(list, 0.5), percentile(list, 0.99)])
    const more = percentile(times.there, 0.5) - percentile(times.here, 0.5)
    console.log(`| ${[name, size, ...figures.map((ms) => ms.toFixed(2)), more.toFixed(2)].join(' | ')} |`)
    renderings.close()
  }
}
