/**
 * What tokens cost a keepalive: two control tiers, one where anybody may ping and one where each pod shows the secret of its
 * app, get the same keepalives in turns. Processor time says the same as the rate, on a machine that has other things to do.
 * Run: npm run build && npx tsx test/bench/ping-tokens.ts
 */
import { readFile } from 'node:fs/promises'
import { cpus, totalmem } from 'node:os'
import { Client, type Dispatcher } from 'undici'
import { keyOf } from '../../src/slave/identity.ts'
import { percentile } from '../support/load/warm-fleet.ts'
import { startService, type RunningService } from '../support/service/start-service.ts'

const [ROUNDS, PINGS, CONNECTIONS, PODS, APPS] = [15, 8_000, 8, 1_000, 20]
const TICKS_PER_SECOND = 100

const secretOf = (app: number): string => `a-secret-of-thirty-two-letters-${String(app).padStart(2, '0')}`

function requests(withToken: boolean): Dispatcher.RequestOptions[] {
  return Array.from({ length: PODS }, (_, index) => {
    const ip = `10.0.${index >> 8}.${index & 255}`
    const app = index % APPS
    const body = JSON.stringify({
      ...{ app: `app-${app}`, id: `app-${app}-${index}`, ip, key: keyOf(ip), role: 'server', nonce: 'n' },
      payload: { zone: 'a', port: 8080 }
    })
    // As many headers either way.
    const headers = withToken ? { authorization: `Bearer ${secretOf(app)}` } : { 'x-nothing': secretOf(app) }
    return { path: '/ping', method: 'PUT', body, headers }
  })
}

/** One keepalive after another on a connection; each must be taken. */
async function ping(client: Client, texts: readonly Dispatcher.RequestOptions[], count: number): Promise<void> {
  for (let sent = 0; sent < count; sent++) {
    const { statusCode, body } = await client.request(texts[sent % texts.length] as Dispatcher.RequestOptions)
    await body.dump()
    if (statusCode !== 200) throw new Error(`answered ${statusCode}`)
  }
}

/** A connection is one app's, as a pod keeps its own. */
const ofApp = <T>(texts: readonly T[], app: number): T[] => texts.filter((_, index) => index % APPS === app)

/** Seconds of processor time that the process has had. */
async function processorTime({ pid }: RunningService): Promise<number> {
  const [, fields = ''] = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ')
  const [user, system] = fields.split(' ').slice(11, 13)
  return (Number(user) + Number(system)) / TICKS_PER_SECOND
}

interface Subject {
  readonly name: string
  readonly service: RunningService
  readonly clients: readonly Client[]
  readonly texts: readonly Dispatcher.RequestOptions[]
  readonly rates: number[]
  readonly costs: number[]
}

async function subject(name: string, env: NodeJS.ProcessEnv): Promise<Subject> {
  const service = await startService({
    template: '# nothing',
    env: { KONTROL_DRY_RUN: 'on', KONTROL_TTL: '3600', ...env }
  })
  const clients = Array.from({ length: CONNECTIONS }, () => new Client(service.url))
  return { name, service, clients, texts: requests(name !== 'without'), rates: [], costs: [] }
}

async function round({ service, clients, texts, rates, costs }: Subject): Promise<void> {
  const [before, started] = [await processorTime(service), performance.now()]
  await Promise.all(clients.map(async (client, of) => await ping(client, ofApp(texts, of), PINGS / CONNECTIONS)))
  rates.push((PINGS * 1000) / (performance.now() - started))
  costs.push((((await processorTime(service)) - before) * 1e6) / PINGS)
}

const apps = Array.from({ length: APPS }, (_, app) => `app-${app}=${secretOf(app)}`).join(',')
const subjects = [
  await subject('without', {}),
  await subject('with tokens', { KONTROL_PING_TOKEN: apps, KONTROL_TOKEN: 'of-operators-and-nobody-else' })
]
for (const each of subjects) await round(each)
for (const each of subjects) for (const list of [each.rates, each.costs]) list.length = 0
// Whoever is first in one round is second in the next.
for (let count = 0; count < ROUNDS; count++) {
  for (const each of count % 2 === 0 ? subjects : subjects.toReversed()) await round(each)
}

const median = (list: readonly number[]): number => percentile([...list], 0.5)
const [without] = subjects
console.log(`${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}`)
console.table(
  subjects.map(({ name, rates, costs }) => ({
    tokens: name,
    'keepalives a second': Math.round(median(rates)),
    'rate to that without': (median(rates) / median(without?.rates ?? [])).toFixed(3),
    'processor time, µs a keepalive': median(costs).toFixed(1),
    'its inverse to that without': (median(without?.costs ?? []) / median(costs)).toFixed(3)
  }))
)
for (const { service, clients } of subjects) {
  for (const client of clients) await client.destroy()
  await service[Symbol.asyncDispose]()
}
