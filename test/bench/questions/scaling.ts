import { descriptorLimit } from '../../../src/platform/descriptors.ts'
import { SeededRandom } from '../../support/seeded-random.ts'
import { figure, NONE } from '../figures.ts'
import { lawOf, lawOfSmaller, valueAt, type Law, type Series } from '../scaling/law.ts'
import { measureHaproxy, type HaproxySeries } from '../scaling/measure-haproxy.ts'
import { measureConnections, measureKeepalives, measureRounds, type MeasuredRounds } from '../scaling/measure-master.ts'
import { measureMasters, type MeasuredMasters } from '../scaling/measure-masters.ts'
import { measureRegistry, type RegistrySeries } from '../scaling/measure-registry.ts'
import * as model from '../scaling/model.ts'
import { mergedRounds, periodicQueue, returningPods } from '../scaling/simulation.ts'
import { planTables } from '../scaling/plan-tables.ts'
import type { Options, Table } from '../table.ts'

/** A prediction that is off by more than this is told to be. */
const WITHIN = 2
const SEED = 7
const MOST_SIMULATED = 300_000

const WHOLE = {
  registry: [10_000, 30_000, 100_000],
  keepalives: [1_000, 100_000],
  connections: 4_000,
  rounds: [500, 1_500, 4_000],
  load: [1_000, 3_000, 9_000],
  checks: [500, 1_500, 4_000],
  masters: [4, 8, 16],
  watchers: [20, 60, 180],
  heard: [500, 1_500, 4_500],
  seconds: 2,
  each: 5
}
const QUICK: typeof WHOLE = {
  registry: [100, 200, 400],
  keepalives: [100, 200],
  connections: 40,
  rounds: [5, 10, 20],
  load: [10, 20, 40],
  checks: [10, 20, 40],
  masters: [1, 2, 3],
  watchers: [1, 2, 3],
  heard: [20, 40, 80],
  seconds: 0.5,
  each: 1
}

interface Measured {
  registry: RegistrySeries
  keepalive: Series
  connections: Series
  rounds: MeasuredRounds
  haproxy: HaproxySeries
  masters: MeasuredMasters
}

async function measureAll({ quick }: Options): Promise<Measured> {
  const sizes = quick ? QUICK : WHOLE
  // Both ends of each connection are on this machine, and neither may take all that it may open.
  const connections = Math.min(sizes.connections, descriptorLimit() >> 1)
  const parts = [connections / 8, connections / 2, connections].map(Math.floor)
  return {
    registry: await measureRegistry(sizes.registry),
    keepalive: await measureKeepalives(sizes.keepalives, quick ? 1 : sizes.seconds),
    connections: await measureConnections(parts, sizes.seconds * 500),
    rounds: await measureRounds(sizes.rounds, sizes.each, sizes.seconds),
    haproxy: await measureHaproxy({ load: sizes.load, checks: sizes.checks }, sizes.seconds),
    masters: await measureMasters(sizes, sizes.seconds)
  }
}

function constantsOf({ registry, keepalive, connections, rounds, haproxy, masters }: Measured): model.Constants {
  return {
    keepaliveUs: keepalive.points.at(-1)?.value ?? NaN,
    sweepMs: lawOf(registry.sweepMs),
    podsMb: lawOf(registry.heapMb),
    connectionsMb: lawOf(connections),
    roundMs: lawOf(rounds.lengths),
    loadMs: lawOf(haproxy.load),
    loadApartMs: lawOf(haproxy.loadApart),
    haproxyMb: lawOf(haproxy.memory),
    checkCores: lawOf(haproxy.checks),
    beatUs: beatLaw(masters),
    toldUs: valueAt(lawOf(masters.told), 0),
    heardUs: lawOf(masters.heard).each * 1e6
  }
}

/** What a beat costs beside being told: a lease is renewed as well, and few masters hide what each of many costs. */
function beatLaw({ beat, put }: MeasuredMasters): Law {
  const { each } = lawOf(put)
  const { size, value } = beat.points.at(-1) ?? { size: NaN, value: NaN }
  return { power: 1, each, fixed: Math.max(0, value - each * size) }
}

const count = (size: number): string => size.toLocaleString('en-US')

/** What one is to another, and whether the shape is right; a quantity too small for this machine's clocks is none. */
function judged(one: number, other: number): [ratio: string, verdict: string] {
  const ratio = one / other
  if (!(ratio > 0 && ratio < Infinity)) return [NONE, 'too small to tell']
  return [figure(ratio), ratio <= WITHIN && ratio >= 1 / WITHIN ? 'holds' : '**model is off**']
}

const growth = { 0: 'stays', 1: 'line', 2: 'square' } as const

/** The laws of the smaller sizes, held against the largest. */
const shapeOf = (all: readonly Series[]): Table => ({
  title: 'What grows how',
  text: `Each quantity is measured at three sizes. Its law is laid through the two smaller ones, and what it says of the largest is held
against what was measured there: the shape _holds_ within a factor of ${WITHIN}. What [scaling](scaling.md) says of fleets that no
machine here could hold is drawn out of these laws, laid through all that was measured.`,
  columns: ['what', 'by', 'smaller sizes', 'measured', 'law', 'largest', 'predicted', 'measured', 'ratio', 'shape'],
  rows: all.map((series) => {
    const smaller = series.points.slice(0, -1)
    const largest = series.points.at(-1) ?? { size: NaN, value: NaN }
    const predicted = valueAt(lawOfSmaller(series), largest.size)
    const unit = series.unit === '' ? '' : ` ${series.unit}`
    return [
      ...[series.what, series.of],
      smaller.map(({ size }) => count(size)).join(', '),
      smaller.map(({ value }) => small(value)).join(', ') + unit,
      growth[series.power],
      count(largest.size),
      ...[small(predicted), small(largest.value)].map((value) => value + unit),
      ...judged(predicted, largest.value)
    ]
  })
})

/** As `figure`, where less than a hundredth counts. */
const small = (value: number): string => (Math.abs(value) >= 0.1 ? figure(value) : value.toPrecision(2))

interface Compared {
  what: string
  size: string
  unit: string
  formula: number
  simulated?: number
  measured?: number
}

interface Queue {
  sources: number
  periodMs: number
  serviceMs: number
}

/** How long one waits where there is room, and how far a server is behind where there is none. */
function queue(what: string, of: string, { sources, periodMs, serviceMs }: Queue, random: SeededRandom): Compared {
  const utilisation = (sources * serviceMs) / periodMs
  const size = `${count(sources)} ${of}, ${figure(100 * utilisation)} % of a core`
  const isEnough = utilisation < 1
  // Few in a period say little of the mean, and the first period says it all of one that falls behind.
  const periods = isEnough ? Math.ceil(MOST_SIMULATED / sources) : 1
  const simulated = periodicQueue({ sources, periodMs, serviceMs, periods }, random)
  return isEnough
    ? {
        ...{ what: `${what} waits, mean`, size, unit: 'ms' },
        formula: model.meanWaitMs(serviceMs, utilisation),
        simulated: simulated.meanWaitMs
      }
    : {
        ...{ what: `${what} waits after one period`, size, unit: 'ms' },
        formula: (utilisation - 1) * periodMs,
        simulated: simulated.lastWaitMs
      }
}

/** Keepalives as they arrive at one master, at sizes that it can and cannot take. */
const queues = ({ keepaliveUs }: model.Constants, random: SeededRandom): Compared[] =>
  [10_000, 100_000, 200_000, 1_000_000].map((sources) =>
    queue('a keepalive', 'pods', { sources, periodMs: 750 * 25, serviceMs: keepaliveUs / 1_000 }, random)
  )

function returning(random: SeededRandom): Compared {
  const [pods, ttl] = [20_000, 25]
  return {
    ...{ what: 'keepalives a second, a master is back', size: `${count(pods)} pods, away for 60 s`, unit: '' },
    formula: model.returningASecond(pods, ttl),
    simulated: returningPods({ pods, periodMs: 750 * ttl, awayMs: 60_000 }, random)
  }
}

/** Changes that share rounds, of which one stretch was measured. */
function rounds(c: model.Constants, { many }: MeasuredRounds, random: SeededRandom): Compared[] {
  const planned = [0.1, 1, 10].flatMap((rate) => [10_000, 100_000].map((servers) => ({ rate, servers, window: 1 })))
  const all: (Omit<MeasuredRounds['many'], 'roundsASecond'> & { roundsASecond?: number })[] = [...planned, many]
  return all.flatMap(({ rate, window, servers, roundsASecond: measured }) => {
    const changes = { rate, window, round: valueAt(c.roundMs, servers) / 1_000 }
    const simulated = mergedRounds(changes, 2_000 / Math.min(1, rate), random)
    const size = `${rate} changes a second, ${count(servers)} servers, damper ${window} s`
    return [
      {
        ...{ what: 'rounds a second', size, unit: '', formula: model.roundsASecond(changes) },
        ...{ simulated: simulated.roundsASecond, ...(measured !== undefined && { measured }) }
      },
      {
        ...{ what: 'until a change is live, mean', size, unit: 's', formula: model.meanUntilLive(changes) },
        simulated: simulated.meanUntilLive
      }
    ]
  })
}

function beats(c: model.Constants, { most }: MeasuredMasters, random: SeededRandom): Compared[] {
  const of = (proxies: number): model.Fleet => ({ proxies, pods: 0, ttl: 25, fover: 10, inter: 5 })
  const measured = { ...of(most.masters), ...model.MEASURED }
  const size = `${most.masters} masters, a beat each ${model.beatEvery(model.MEASURED)} s`
  const waits = [10, 100, 1_000].map((proxies) => {
    const [serviceMs, periodMs] = [valueAt(c.beatUs, proxies) / 1_000, model.beatEvery(of(proxies)) * 1_000]
    return queue('a beat at etcd', 'masters', { sources: proxies, periodMs, serviceMs }, random)
  })
  return [
    ...[
      {
        what: 'keys written to etcd a second',
        unit: '',
        formula: model.beatsASecond(measured),
        measured: most.putsASecond
      },
      {
        what: 'changes told by etcd a second',
        unit: '',
        formula: model.toldASecond(measured),
        measured: most.toldASecond
      }
    ].map((row) => ({ ...row, size })),
    ...waits
  ]
}

/** Rounds of the one that writes: a change that comes while it works shares the next one. */
function dns(random: SeededRandom): Compared[] {
  return [1, 100].map((names) => {
    const changes = { rate: 1, window: 0, round: model.dnsRoundSeconds({ names, values: 100 }) }
    return {
      what: 'Route53: rounds a second',
      size: `${count(names)} names of 100 proxies, 1 proxy a second comes or goes`,
      unit: '',
      formula: model.roundsASecond(changes),
      simulated: mergedRounds(changes, 20_000, random).roundsASecond
    }
  })
}

const comparisonOf = (all: readonly Compared[]): Table => ({
  title: 'The model of a fleet, simulated',
  text: `Closed formulas of the model, a simulation of single events (seed ${SEED}) with the costs of this run, and, where a machine can
hold it, the program itself. The damper and the pauses between retries are the program's own code; a wait is that before one
server that takes the same time for each (M/D/1).`,
  columns: ['what', 'at', 'formula', 'simulated', 'measured', 'formula / what was found', 'shape'],
  rows: all.map(({ what, size, unit, formula, simulated, measured }) => {
    const shown = (value: number | undefined): string =>
      value === undefined ? NONE : `${small(value)}${unit === '' ? '' : ` ${unit}`}`
    return [
      what,
      size,
      shown(formula),
      shown(simulated),
      shown(measured),
      ...judged(formula, measured ?? simulated ?? NaN)
    ]
  })
})

/** From what small fleets cost, what large ones do: is the model's shape the program's? */
export async function scaling(options: Options): Promise<Table[]> {
  const measured = await measureAll(options)
  const c = constantsOf(measured)
  const random = new SeededRandom(SEED)
  const { registry, keepalive, connections, haproxy, masters } = measured
  return [
    shapeOf([
      ...[keepalive, registry.pingNs, registry.heapMb, registry.sweepMs, registry.snapshotMs, connections],
      ...[measured.rounds.lengths, haproxy.load, haproxy.loadApart, haproxy.checks, haproxy.memory],
      ...[masters.beat, masters.put, masters.told, masters.heard]
    ]),
    comparisonOf([
      ...queues(c, random),
      returning(random),
      ...rounds(c, measured.rounds, random),
      ...beats(c, masters, random),
      ...dns(random)
    ]),
    ...planTables(c)
  ]
}
