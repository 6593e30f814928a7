import { seedRegistry } from '../../support/load/known-pods.ts'
import { startBareRoute, type BareRoute } from '../../support/load/bare-route.ts'
import { twoCores, type Cores } from '../../support/load/cores.ts'
import { processorTime } from '../../support/load/processor-time.ts'
import { CONNECTIONS, sendKeepalives, writeKeepalives, type Carrier } from '../../support/load/send-keepalives.ts'
import { createService, type RunningService } from '../../support/service/start-service.ts'
import { tempDir, type TempDir } from '../../support/temp-dir.ts'
import { atLeast, figure, median, NONE, rounds, spread } from '../figures.ts'
import type { Options, Table } from '../table.ts'

const [AIM, AIM_WITH_TOKENS] = [0.9, 0.8]
/** Of a measurement. */
const SECONDS = 1
const OPERATOR = 'of-operators-and-nobody-else'
const TOKEN = 'a-secret-of-thirty-two-letters-'
const names: Record<Carrier, string> = {
  kept: 'HTTP, kept-alive',
  anew: 'HTTP, a connection each',
  zerorpc: 'ZeroRPC, kept-alive'
}

interface Subject {
  name: string
  pods: number | undefined
  carrier: Carrier
  token?: string
  server: { pid: number | undefined; url: string }
  folder: string
  aim?: number
  /** Keepalives that were answered. */
  sent: number
  /** By rounds. */
  rates: number[]
  costs: number[]
}

async function measure(subject: Subject, cores: Cores): Promise<void> {
  const { server, carrier, folder, token } = subject
  const before = await processorTime(server.pid)
  const load = { url: server.url, carrier, folder, seconds: SECONDS, prefix: cores.load }
  const sent = await sendKeepalives({ ...load, ...(token !== undefined && { token }) })
  const spent = (await processorTime(server.pid)) - before
  subject.sent += sent.requests
  subject.rates.push(sent.requests / sent.seconds)
  subject.costs.push((spent * 1e6) / sent.requests)
}

/** All of them at once, so that they can be asked in turns. */
class Masters implements AsyncDisposable {
  readonly all: RunningService[] = []

  async start(pods: number, cores: Cores, env: NodeJS.ProcessEnv): Promise<RunningService> {
    const service = await createService({
      template: '# nothing',
      prefix: cores.program,
      env: { KONTROL_DRY_RUN: 'on', KONTROL_TTL: '3600', KONTROL_PODS_PER_PEER: '200000', ...env }
    })
    this.all.push(service)
    await seedRegistry(service.data, pods, CONNECTIONS)
    await service.start()
    return service
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const service of this.all) await service[Symbol.asyncDispose]()
  }
}

/** The rates held against those of another subject in the same rounds. */
const inPairs = (rates: readonly number[], base: Subject | undefined): number =>
  median(rates.map((rate, round) => rate / (base?.rates[round] ?? NaN)))

/** @throws Error when the program has taken fewer keepalives than it answered, or refused one */
async function checkCounts(service: RunningService, subjects: readonly Subject[]): Promise<void> {
  const answered = subjects.reduce((sum, { server, sent }) => sum + (server === service ? sent : 0), 0)
  const { body } = await service.send('GET', '/metrics', undefined, { authorization: `Bearer ${OPERATOR}` })
  const [, taken = ''] = /^kontrol_keepalives_total (\d+)$/m.exec(body) ?? []
  const refused = /^kontrol_keepalives_refused_total\{.*/m.exec(body)
  if (Number(taken) < answered || refused !== null) {
    throw new Error(`${answered} keepalives were answered, ${taken} taken; ${refused?.[0] ?? 'none refused'}`)
  }
}

interface Parts {
  masters: Masters
  route: BareRoute
  cores: Cores
  dir: TempDir
}

/** All that is measured, in the order of the table. */
async function subjectsOf(sizes: readonly number[], { masters, route, cores, dir }: Parts): Promise<Subject[]> {
  const subjects: Omit<Subject, 'sent' | 'rates' | 'costs'>[] = []
  for (const pods of sizes) {
    const folder = dir.file(`of-${pods}`)
    await writeKeepalives(folder, pods)
    const shared = { pods, folder, server: await masters.start(pods, cores, {}) }
    for (const carrier of ['kept', 'anew'] as const)
      subjects.push({ ...shared, name: names[carrier], carrier, aim: AIM })
    subjects.push({ ...shared, name: names.zerorpc, carrier: 'zerorpc' })
  }
  const pods = sizes[sizes.length >> 1] ?? 0
  const folder = dir.file(`of-${pods}`)
  const server = await masters.start(pods, cores, {
    KONTROL_PING_TOKEN: Array.from({ length: CONNECTIONS }, (_, app) => `app-${app}=${TOKEN}${app}`).join(','),
    KONTROL_TOKEN: OPERATOR
  })
  const tokens = { carrier: 'kept', token: TOKEN, aim: AIM_WITH_TOKENS } as const
  subjects.push({ name: `${names.kept}, tokens`, pods, folder, server, ...tokens })
  for (const carrier of ['kept', 'anew'] as const) {
    subjects.push({ name: `floor: ${names[carrier]}`, pods: undefined, folder, carrier, server: route })
  }
  return subjects.map((subject) => ({ ...subject, sent: 0, rates: [], costs: [] }))
}

/** What one core takes of keepalives. */
export async function ingest(options: Options): Promise<Table[]> {
  const sizes = options.quick ? [100] : [100, 10_000, 100_000]
  const cores = await twoCores()
  await using dir = await tempDir()
  await using route = await startBareRoute(cores.program)
  await using masters = new Masters()
  const subjects = await subjectsOf(sizes, { masters, route, cores, dir })
  // The first one is thrown away: what is called often is compiled by then.
  for (const subject of subjects) await measure(subject, cores)
  for (const { rates, costs } of subjects) for (const list of [rates, costs]) list.length = 0
  for (const round of rounds(options, 7, 75)) {
    // Whoever is first in one round is last in the next.
    for (const subject of round % 2 === 0 ? subjects : subjects.toReversed()) await measure(subject, cores)
  }
  for (const master of masters.all) await checkCounts(master, subjects)
  return [tableOf(subjects)]
}

/** Of a column that has nothing to say about a row. */
const orNone = (says: boolean, text: () => string): string => (says ? text() : NONE)

function tableOf(subjects: readonly Subject[]): Table {
  const find = (carrier: Carrier, pods: number | undefined): Subject | undefined =>
    subjects.find((one) => one.carrier === carrier && one.pods === pods)
  const smallest = Math.min(...subjects.map(({ pods = Infinity }) => pods))
  const rows = subjects.map((subject) => {
    const { name, pods, carrier, token, aim = NaN, rates, costs } = subject
    // ZeroRPC has no floor of its own.
    const floor = find(carrier === 'anew' ? 'anew' : 'kept', undefined)
    const few = find(carrier, smallest)
    const toFloor = inPairs(rates, floor)
    return [
      name,
      pods?.toLocaleString('en-US') ?? NONE,
      ...[spread(rates), spread(costs)],
      orNone(subject !== floor, () => figure(toFloor)),
      orNone(pods !== undefined && token === undefined && subject !== few, () => figure(inPairs(rates, few))),
      orNone(aim > 0, () => atLeast(aim, toFloor))
    ]
  })
  return {
    title: 'Keepalives on one core',
    text: `What a master takes that is kept to one core, while what sends is kept to another: ${CONNECTIONS} connections, each of
which sends the next keepalive when the one before has been answered; all of pods that are known. The floor is a bare Fastify
route with the same body and the same schema in a process of its own, which stores nothing; ZeroRPC is held against that of
HTTP. All are measured in turns, and a ratio is the median of those within the rounds. Processor time is that of all threads of
the process. With tokens, each app has a secret of its own.
[Decision 0023](decisions/0023-what-a-keepalive-costs.md) has a profile of both, and says where the difference goes.`,
    columns: ['way', 'known pods', 'a second', 'µs of processor each', 'to the floor', 'to the fewest pods', 'aim'],
    rows
  }
}
