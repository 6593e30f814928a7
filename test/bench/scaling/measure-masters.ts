import { setTimeout as sleep } from 'node:timers/promises'
import { request } from 'undici'
import { systemClock } from '../../../src/platform/clock.ts'
import { EtcdClient } from '../../../src/registry/etcd/client.ts'
import { EtcdStore } from '../../../src/registry/etcd/store.ts'
import { Registry } from '../../../src/registry/registry.ts'
import { admit, keepaliveOf } from '../../support/load/known-pods.ts'
import { eventually } from '../../support/eventually.ts'
import { startEtcd, type EtcdCluster } from '../../support/neighbours/start-etcd.ts'
import { registryLimits } from '../../support/registry/registry-limits.ts'
import { silentLogger } from '../../support/test-logger.ts'
import type { Point, Series } from './law.ts'
import { beatEvery, MEASURED } from './model.ts'

const APPS = 10
const MIB = 1024 * 1024
/** Masters that share the pods whose cost is that of being heard by another one. */
const SHARING = 4
const PODS = 4_001
const BEAT_PAUSE_MS = 40
const PATIENCE_MS = 60_000

const word = (id: string) => ({ id, ip: '10.0.0.1', version: '0.1.0', config: 'a'.repeat(64), problems: [] })

/** The registries of so many masters of one fleet, all in this process. */
async function openMasters(count: number, hosts: readonly string[], namespace: string): Promise<Registry[]> {
  const shared = { clock: systemClock, logger: silentLogger(), ttlMs: MEASURED.ttl * 1_000 }
  const masters = Array.from({ length: count }, (_, index) => {
    const id = `master-${index}`
    const etcd = { hosts, namespace, app: 'haproxy', id, word: () => word(id), foverMs: MEASURED.fover * 1_000 }
    const store = new EtcdStore({ ...shared, ...etcd, maxListedBytes: 64 * MIB })
    return new Registry({ ...shared, store, panicThreshold: 0.5, limits: registryLimits })
  })
  await Promise.all(masters.map(async (master) => await master.open()))
  return masters
}

/** Seconds of processor time of etcd, and how many changes of keys it has written and told. */
async function countersOf(etcd: EtcdCluster): Promise<{ cpu: number; puts: number; told: number }> {
  const { body } = await request(`${etcd.hosts[0]}/metrics`)
  const text = await body.text()
  const of = (name: string): number => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1])
  return {
    cpu: of('process_cpu_seconds_total'),
    puts: of('etcd_debugging_mvcc_put_total'),
    told: of('etcd_debugging_mvcc_events_total')
  }
}

export interface Rest {
  etcdCores: number
  /** Of one master. */
  masterCores: number
  putsASecond: number
  toldASecond: number
}

/** Masters to which pods report, each to one of them, for some seconds in which nothing changes. */
async function atRest(masters: number, aSecond: number, seconds: number): Promise<Rest> {
  await using etcd = await startEtcd()
  const all = await openMasters(masters, etcd.hosts, `of-${masters}-${aSecond}`)
  const keepalives = aSecond === 0 ? [] : Array.from({ length: PODS }, (_, pod) => keepaliveOf(pod, APPS))
  await admit(all[0] as Registry, keepalives)
  await eventually(() => all.every(({ size }) => size === keepalives.length), PATIENCE_MS)
  await sleep(1_000)
  const [before, own, started] = [await countersOf(etcd), process.cpuUsage(), performance.now()]
  for (let sent = 0; performance.now() - started < seconds * 1_000; await sleep(50)) {
    for (const due = (aSecond * (performance.now() - started)) / 1_000; sent < due; sent++) {
      void all[sent % masters]?.keepalive(keepalives[sent % PODS] as (typeof keepalives)[number])
    }
  }
  const { user, system } = process.cpuUsage(own)
  const after = await countersOf(etcd)
  const took = (performance.now() - started) / 1_000
  for (const master of all) await master.close()
  return {
    etcdCores: (after.cpu - before.cpu) / took,
    masterCores: (user + system) / 1e6 / took / masters,
    putsASecond: (after.puts - before.puts) / took,
    toldASecond: (after.told - before.told) / took
  }
}

/** What one beat costs etcd, and every master that it is told to, by the number of those who watch. */
async function fanOut(watchers: number, seconds: number): Promise<{ putUs: number; toldUs: number }> {
  await using etcd = await startEtcd()
  const clients = await Promise.all(
    Array.from({ length: watchers }, async () => await EtcdClient.create(etcd.hosts[0] ?? '', {}))
  )
  let told = 0
  const onChanges = (changes: readonly object[]): void => void (told += changes.length)
  for (const client of clients) await client.watch('/beats/', 0, { onChanges, onEnd: () => {} })
  const value = JSON.stringify([[0, ['a', 'b']], word('master-0')])
  const [before, own, started] = [await countersOf(etcd), process.cpuUsage(), performance.now()]
  let puts = 0
  for (; performance.now() - started < seconds * 1_000; puts++) {
    await clients[0]?.transact([], [{ put: '/beats/0', value }])
    await sleep(BEAT_PAUSE_MS)
  }
  await eventually(() => told === puts * watchers, PATIENCE_MS)
  const { user, system } = process.cpuUsage(own)
  const after = await countersOf(etcd)
  for (const client of clients) client.close()
  return { putUs: ((after.cpu - before.cpu) * 1e6) / puts, toldUs: (user + system) / told }
}

export interface MeasuredMasters {
  beat: Series
  put: Series
  told: Series
  heard: Series
  /** The most masters, and what etcd counted. */
  most: { masters: number } & Rest
}

export interface MastersSizes {
  masters: readonly number[]
  watchers: readonly number[]
  /** Keepalives a second, of all of them together. */
  heard: readonly number[]
}

/** What masters that share an etcd cost it, and each other. */
export async function measureMasters(sizes: MastersSizes, seconds: number): Promise<MeasuredMasters> {
  const rests: ({ masters: number } & Rest)[] = []
  for (const masters of sizes.masters) rests.push({ masters, ...(await atRest(masters, 0, seconds)) })
  const fans: { size: number; putUs: number; toldUs: number }[] = []
  for (const size of sizes.watchers) fans.push({ size, ...(await fanOut(size, seconds)) })
  const heard: Point[] = []
  for (const size of sizes.heard) {
    heard.push({ size, value: (await atRest(SHARING, size, seconds)).masterCores })
  }
  const [of, unit] = ['watchers', 'µs']
  return {
    beat: {
      ...{ what: 'etcd, for one beat of a master', of: 'masters', unit, power: 1 },
      points: rests.map(({ masters, etcdCores }) => ({ size: masters, value: (etcdCores * 1e6) / beatsOf(masters) }))
    },
    put: {
      ...{ what: 'etcd, one key written and told', of, unit, power: 1 },
      points: fans.map(({ size, putUs }) => ({ size, value: putUs }))
    },
    told: {
      ...{ what: 'one who is told', of, unit, power: 0 },
      points: fans.map(({ size, toldUs }) => ({ size, value: toldUs }))
    },
    heard: {
      ...{ what: `one of ${SHARING} masters, hears and is told`, of: 'keepalives a second', unit: 'cores', power: 1 },
      points: heard
    },
    most: rests.at(-1) as MeasuredMasters['most']
  }
}

/** A second, with the times of these masters. */
const beatsOf = (masters: number): number => masters / beatEvery(MEASURED)
