import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { appPodsOf, addressesOf, podsOf, type Backends } from '../../../src/model/snapshot.ts'
import { systemClock } from '../../../src/platform/clock.ts'
import { createLogger } from '../../../src/platform/logger.ts'
import { compileTemplate, type TemplateVariables } from '../../../src/render/template.ts'
import { TemplateProcess } from '../../../src/render/template-process.ts'
import { fleetIp } from '../../support/load/fleet-config.ts'
import { makePod } from '../../support/registry/make-pod.ts'
import { figure, latencies, median } from '../figures.ts'
import type { Options, Table } from '../table.ts'

/** Both compile while they are young. */
const WARM = 50

const templates = {
  hosts: readFileSync(join(import.meta.dirname, '../../fixtures/templates/http.cfg.j2'), 'utf8'),
  pods: '{% for app, list in pods|dictsort %}backend {{ app }}\n{% for p in list %}  server {{ p.key }} {{ p.ip }}:{{ p.payload.port }}\n{% endfor %}{% endfor %}'
}

const variables = (backends: Backends): TemplateVariables => ({ hosts: addressesOf(backends), pods: podsOf(backends) })

/** What it costs that templates are rendered by a process of their own. */
export async function renderProcess({ quick }: Options): Promise<Table[]> {
  const [sizes, taken] = quick ? [[10], 5] : [[10, 1_000, 10_000], 150]
  const most = Math.max(...sizes) + 1
  const pods = Array.from({ length: most }, (_, seq) => makePod(seq, { ip: fleetIp(seq), payload: { port: 8080 } }))
  /** One that a pod has joined holds the others as they were, as the registry's do. */
  const fleet = (size: number): Backends => new Map([['web', appPodsOf(pods.slice(0, size))]])
  const logger = await createLogger('warn')
  const rows: string[][] = []
  for (const [name, source] of Object.entries(templates)) {
    for (const size of sizes) {
      const [few, many] = [variables(fleet(size)), variables(fleet(size + 1))]
      const renderings = new TemplateProcess({ clock: systemClock, logger, memoryMb: 512 })
      const [here, there] = [compileTemplate(source), renderings.templateOf(source)]
      const times = { here: [] as number[], there: [] as number[] }
      for (let round = 0; round < WARM + taken; round++) {
        const now = round % 2 === 0 ? few : many
        const start = performance.now()
        const { text } = here.render(now)
        const between = performance.now()
        const { text: same } = await there.render(now)
        const end = performance.now()
        if (text !== same) throw new Error('the texts differ')
        if (round < WARM) continue
        times.here.push(between - start)
        times.there.push(end - between)
      }
      renderings.close()
      const [inProcess, p99Here = ''] = latencies(times.here)
      const more = median(times.there) - median(times.here)
      rows.push([
        `\`${name}\``,
        size.toLocaleString('en-US'),
        ...[inProcess ?? '', p99Here, ...latencies(times.there)],
        figure(more)
      ])
    }
  }
  return [
    {
      title: 'A template in a process of its own',
      text: `What it costs that templates are rendered by another process: a pod joins and leaves, and the same text is
rendered there and here by turns, in milliseconds. The template reads \`hosts\`, or all that \`pods\` holds.`,
      columns: ['it reads', 'pods', 'here p50', 'p99', 'in the process p50', 'p99', 'n', 'more'],
      rows
    }
  ]
}
