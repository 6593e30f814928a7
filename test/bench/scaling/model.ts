import { valueAt, type Law } from './law.ts'

/** A slave pings each 0.75 of the TTL (src/slave/keepalive-loop.ts). */
const PERIOD_IN_TTLS = 0.75
/** Of the masters among themselves (src/registry/etcd/connection.ts). */
const [BEATS_PER_TTL, BEATS_PER_FOVER] = [20, 3]
/** The registry looks at all its pods so often (src/registry/expiry.ts). */
const SWEEPS_PER_SECOND = 10

/** What one costs, as measured. */
export interface Constants {
  /** µs of a core: a keepalive over a kept connection. */
  readonly keepaliveUs: number
  /** ms of a core, by pods: one look at all of them for those that are silent. */
  readonly sweepMs: Law
  /** Megabytes on the heap, by pods. */
  readonly podsMb: Law
  /** Megabytes that are resident of a master, by connections that are kept. */
  readonly connectionsMb: Law
  /** ms from a change until it is applied at runtime, by servers. */
  readonly roundMs: Law
  /** ms until HAProxy has checked a file, by servers that are all in one backend. */
  readonly loadMs: Law
  /** The same with 100 servers in each backend. */
  readonly loadApartMs: Law
  /** Megabytes that are resident of HAProxy, by servers. */
  readonly haproxyMb: Law
  /** Cores of HAProxy, by TCP checks a second. */
  readonly checkCores: Law
  /** µs of a core of etcd, by masters: one beat of a master, which all of them are told. */
  readonly beatUs: Law
  /** µs of a core of a master: one beat of another. */
  readonly toldUs: number
  /** µs of a core of a master: one pod that another master has heard. */
  readonly heardUs: number
}

/** With what the masters of one etcd were measured: a beat a second, and no pod that expires meanwhile. */
export const MEASURED = { ttl: 60, fover: 3 }

export interface Fleet {
  readonly proxies: number
  readonly pods: number
  /** Seconds: KONTROL_TTL, KONTROL_FOVER, and `inter` of the checks. */
  readonly ttl: number
  readonly fover: number
  readonly inter: number
}

/** By a fleet that pings without a break, each pod once in a period. */
export const keepalivesASecond = (pods: number, ttl: number): number => pods / (PERIOD_IN_TTLS * ttl)

/**
 * Of a queue before one server that takes the same time for each (M/D/1): those of many pods come at moments that have
 * nothing to do with each other. From utilisation 1 on there is no mean: the queue grows.
 */
export const meanWaitMs = (serviceMs: number, utilisation: number): number =>
  utilisation < 1 ? (utilisation * serviceMs) / (2 * (1 - utilisation)) : Infinity

/**
 * A master that was away: each slave tries again after half of a period to a whole one (src/slave/master-pinger.ts), so
 * that they come back by a third faster than they ping, and not all at once.
 */
export const returningASecond = (pods: number, ttl: number): number => (4 / 3) * keepalivesASecond(pods, ttl)

export interface Changes {
  /** A second, at moments that have nothing to do with each other. */
  readonly rate: number
  /** Seconds: KONTROL_DAMPER, and what a round takes. */
  readonly window: number
  readonly round: number
}

/** Changes that come within a window, or while a round is under way, share the next one. */
const share = ({ rate, window, round }: Changes): { stretch: number; quiet: number } => {
  const stretch = Math.max(window, round)
  return { stretch, quiet: Math.exp(-rate * stretch) }
}

/** Where nothing came within the stretch, the next change is waited for. */
export function roundsASecond(changes: Changes): number {
  const { stretch, quiet } = share(changes)
  return 1 / (stretch + quiet / changes.rate)
}

/** Seconds from a change until it is live: half a stretch for those that share a round, and none for who comes in quiet. */
export function meanUntilLive(changes: Changes): number {
  const { stretch, quiet } = share(changes)
  const gathered = changes.rate * stretch
  return (gathered * (stretch / 2)) / (gathered + quiet) + changes.round
}

/** Seconds between two words of a master to the others. */
export const beatEvery = ({ ttl, fover }: Pick<Fleet, 'ttl' | 'fover'>): number =>
  Math.min(ttl / BEATS_PER_TTL, fover / BEATS_PER_FOVER)

/** Writes to etcd by masters that share it: one a beat of each, and as many renewals of leases beside them. */
export const beatsASecond = (fleet: Fleet): number => fleet.proxies / beatEvery(fleet)

/** Each of them is told to every master, its own among them. */
export const toldASecond = (fleet: Fleet): number => fleet.proxies * beatsASecond(fleet)

/** Route53's, for all that a whole AWS account asks; and seconds between two looks at rest (src/dns/dns-exposer.ts). */
const [REQUESTS_A_SECOND, LOOK_EVERY] = [5, 300]
/** Of a request; an UPSERT counts each value twice (src/dns/reconcile.ts). */
const VALUES_IN_A_BATCH = 500

/** A look at each name, then batches of changes in one zone, each of which is asked for once more. */
export const dnsRoundSeconds = ({ names, values }: { names: number; values: number }): number =>
  (names + 2 * Math.ceil((names * values) / VALUES_IN_A_BATCH)) / REQUESTS_A_SECOND

/** What holds for one proxy, whoever hears the keepalives. */
export interface OfPods {
  roundMs: number
  loadMs: number
  loadApartMs: number
  textMb: number
  haproxyMb: number
  /** Checks a second of one HAProxy, and the cores they take. */
  checks: number
  checkCores: number
}

/** `server web-123456 10.123.45.67:8080 check` with its blanks. */
const LINE_BYTES = 46

export const ofPods = (c: Constants, { pods, inter }: Fleet): OfPods => ({
  roundMs: valueAt(c.roundMs, pods),
  loadMs: valueAt(c.loadMs, pods),
  loadApartMs: valueAt(c.loadApartMs, pods),
  textMb: (pods * LINE_BYTES) / 1e6,
  haproxyMb: valueAt(c.haproxyMb, pods),
  checks: pods / inter,
  checkCores: valueAt({ ...c.checkCores, fixed: 0 }, pods / inter)
})

export interface OfMaster {
  /** Keepalives a second, and connections that stay open for them. */
  keepalives: number
  connections: number
  /** The event loop's core: keepalives, the look at silent pods, what other masters tell. */
  cores: number
  memoryMb: number
  /** Keepalives a second that one pod sends. */
  ofPod: number
  etcdCores: number
  /** Masters that look at DNS, and write it: all that lead. */
  writers: number
}

/** Without etcd each master must hear every pod itself, so each slave pings every master that its annotation names. */
export function alone(c: Constants, { proxies, pods, ttl }: Fleet): OfMaster {
  const keepalives = keepalivesASecond(pods, ttl)
  return {
    keepalives,
    connections: pods,
    cores: (keepalives * c.keepaliveUs) / 1e6 + sweepCores(c, pods),
    memoryMb: memoryMb(c, pods, pods),
    ofPod: keepalivesASecond(proxies, ttl),
    etcdCores: 0,
    writers: proxies
  }
}

/** With etcd a slave may ping one master, as through a Service, which tells the others. */
export function shared(c: Constants, fleet: Fleet): OfMaster {
  const { proxies, pods, ttl } = fleet
  const keepalives = keepalivesASecond(pods, ttl)
  const own = keepalives / proxies
  const told = (keepalives * c.heardUs + beatsASecond(fleet) * c.toldUs) / 1e6
  return {
    keepalives: own,
    connections: pods / proxies,
    cores: (own * c.keepaliveUs) / 1e6 + sweepCores(c, pods) + told,
    memoryMb: memoryMb(c, pods, pods / proxies),
    ofPod: keepalivesASecond(1, ttl),
    etcdCores: (beatsASecond(fleet) * valueAt(c.beatUs, proxies)) / 1e6,
    writers: 1
  }
}

const sweepCores = (c: Constants, pods: number): number => (valueAt(c.sweepMs, pods) * SWEEPS_PER_SECOND) / 1_000
const memoryMb = (c: Constants, pods: number, connections: number): number =>
  valueAt(c.connectionsMb, connections) + c.podsMb.each * pods

export interface Use {
  readonly what: string
  /** Of what there is: 1 is all of it. */
  readonly share: number
}

/** Where the program itself says no: src/model/limits.ts, src/platform/descriptors.ts, src/render/text-limits.ts. */
const [MOST_PODS, MOST_CONNECTIONS, MOST_TEXT_MB, MOST_VALUES] = [200_000, 262_144, 6.29, 400]
/** Half a core, so that what comes back after an outage finds room. */
const MOST_CORES = 0.5
/** `haproxy -c` is ended after that (src/haproxy/files/config-file.ts). */
const MOST_LOAD_MS = 30_000
/** A pod that is asked more often than this by proxies alone, or pings as often, has this for its work: our choice. */
const MOST_OF_POD = 100
/** The default KONTROL_DAMPER: rounds that take longer follow one another without a pause. */
const MOST_ROUND_MS = 1_000

/** How much of each bound a fleet uses, the fullest first. */
export function usesOf(c: Constants, fleet: Fleet, of: (c: Constants, fleet: Fleet) => OfMaster): Use[] {
  const [each, master] = [ofPods(c, fleet), of(c, fleet)]
  return [
    { what: 'pods of a registry', share: fleet.pods / MOST_PODS },
    { what: 'connections of a master', share: master.connections / MOST_CONNECTIONS },
    { what: 'core of a master', share: master.cores / MOST_CORES },
    { what: 'etcd', share: master.etcdCores / MOST_CORES },
    { what: "a round's length", share: each.roundMs / MOST_ROUND_MS },
    { what: 'text', share: each.textMb / MOST_TEXT_MB },
    { what: '`haproxy -c`', share: each.loadApartMs / MOST_LOAD_MS },
    { what: "HAProxy's checks", share: each.checkCores / MOST_CORES },
    { what: 'checks of a pod', share: fleet.proxies / fleet.inter / MOST_OF_POD },
    { what: 'pings of a pod', share: master.ofPod / MOST_OF_POD },
    { what: 'Route53 at rest', share: master.writers / LOOK_EVERY / REQUESTS_A_SECOND },
    { what: 'values in DNS', share: fleet.proxies / MOST_VALUES }
  ].toSorted((one, other) => other.share - one.share)
}
