import { setTimeout as sleep } from 'node:timers/promises'
import type { Probe, Seen } from './client.ts'
import { Client } from './client.ts'
import { facts, look, type Look, type ServerLook } from './look.ts'
import type { Pods } from './pods.ts'

/** One of the two that are held against each other. */
export interface Side {
  socket: string
  /** First two numbers of its addresses. */
  prefix: string
}

export interface Judged {
  driven: Side
  fresh: Side
  pods: Pods
  probes: readonly Probe[]
  /** Where the driven one had servers before: what has left is checked until it has drained. */
  former: ReadonlySet<string>
  /** Whether chance alone decides which pods get how much, and not who came first. */
  spread: boolean
  /** Whether they are picked at random from a ring. */
  weighed: boolean
  /** Whether traffic resumes TLS sessions of health checks, with the server name of those; checks began first or not. */
  namedByChecks: boolean
}

/** How long the checks of both may take to come to the same outcome. */
const SETTLE_MS = 12_000
const ROUNDS = 2
/** On a ring: who has fallen off it shows by what it does not get. */
const ROUNDS_ON_RING = 8

/** @returns every way in which the driven HAProxy is not like the fresh one, in words */
export async function judge(judged: Judged): Promise<string[]> {
  const { driven, fresh } = judged
  const deadline = performance.now() + SETTLE_MS
  for (;;) {
    const [one, other] = await Promise.all([look(driven.socket, driven.prefix), look(fresh.socket, fresh.prefix)])
    const differences = [...compareServers(one, other), ...compareShapes(judged, one, other)]
    if (differences.length === 0) differences.push(...(await compareFacts(judged)))
    if (differences.length === 0) differences.push(...(await compareTraffic(judged, other)))
    if (differences.length === 0) return []
    if (performance.now() > deadline) return differences
    await sleep(60)
  }
}

async function compareFacts({ driven, fresh }: Judged): Promise<string[]> {
  const [runs, wanted] = await Promise.all([facts(driven.socket, driven.prefix), facts(fresh.socket, fresh.prefix)])
  const differences: string[] = []
  for (const [name, value] of wanted) {
    const other = runs.get(name)
    if (other !== value) differences.push(`${name}: runs ${JSON.stringify(other)}, wanted ${JSON.stringify(value)}`)
  }
  // A variable that a former text set stays in the environment of the master.
  const surplus = [...runs.keys()].filter((name) => !wanted.has(name) && !name.startsWith('variable '))
  for (const name of surplus) differences.push(`${name}: runs, is not wanted`)
  return differences
}

function compareServers(driven: Look, fresh: Look): string[] {
  const backends = new Set([...driven.servers, ...fresh.servers].map(({ backend }) => backend))
  return [...backends].flatMap((backend) => {
    const of = ({ servers }: Look): ServerLook[] => servers.filter((server) => server.backend === backend)
    return compareBackend(backend, of(driven), of(fresh))
  })
}

/** Servers left over in maintenance, or draining, get no traffic: docs/haproxy.md says so. */
function compareBackend(backend: string, driven: ServerLook[], fresh: ServerLook[]): string[] {
  const left = new Map<string, number>()
  const count = ({ settings, status, place }: ServerLook): string => {
    return `${place} ${status} ${JSON.stringify(settings)}`
  }
  for (const server of fresh) left.set(count(server), (left.get(count(server)) ?? 0) + 1)
  const surplus: string[] = []
  for (const server of driven) {
    const key = count(server)
    const wanted = left.get(key) ?? 0
    if (wanted > 0) left.set(key, wanted - 1)
    else if (!server.out) surplus.push(key)
  }
  const missing = [...left].filter(([, number]) => number > 0).map(([key]) => key)
  return [
    ...surplus.map((key) => `backend ${backend} has a server that is not wanted: ${key}`),
    ...missing.map((key) => `backend ${backend} lacks a server: ${key}`)
  ]
}

function compareShapes({ driven, fresh, pods, former }: Judged, runs: Look, asked: Look): string[] {
  const differences: string[] = []
  const leftOver = new Set([...former, ...placesOf(runs.servers.filter(({ out }) => out))])
  const places = new Set(placesOf(asked.servers.filter(({ out }) => !out)))
  for (const place of places) {
    const [said, other] = [driven, fresh].map(({ prefix }) => pods.shapes(place.replace('127.x.', prefix)).checks)
    if (said === undefined || other === undefined) continue
    const [one, wanted] = [whole(said), whole(other)]
    // Beside a check of the server that has left, which says more, this one's looks as if it had been cut.
    const heard = leftOver.has(place) ? [...said] : one
    const lacking = wanted.filter((shape) => !heard.some((own) => own === shape || unnamed(own) === shape))
    const surplus = one.filter((shape) => !wanted.includes(shape) && !wanted.includes(unnamed(shape)))
    const alike = lacking.length === 0 && (surplus.length === 0 || leftOver.has(place))
    if (!alike) differences.push(`checks of ${place}: "${one.join(' | ')}", wanted "${wanted.join(' | ')}"`)
  }
  return differences
}

/** Addresses of pods. */
export const placesOf = (servers: readonly ServerLook[]): string[] =>
  servers.map(({ place }) => place.replace(/:\d+$/, ''))

/** Since 3.0 a check resumes a TLS session of the traffic, if there was any yet, with its server name. */
const unnamed = (shape: string): string => shape.replace(/tls\([^-,]+,/, 'tls(-,')

/** A connection that was cut by the end of a worker tells nothing, nor does one for a client, whose request went elsewhere. */
function whole(shapes: ReadonlySet<string>): string[] {
  const all = [...shapes].filter((shape) => !/^v2\(PROXY.*connect$/.test(shape)).sort()
  const isCut = (shape: string): boolean => {
    const begin = shape.endsWith('connect') ? shape.slice(0, -'connect'.length) : undefined
    const began = (other: string): boolean => other.startsWith(begin ?? '') || unnamed(other).startsWith(begin ?? '')
    return begin !== undefined && all.some((other) => other !== shape && began(other))
  }
  return all.filter((shape) => !isCut(shape))
}

async function compareTraffic(judged: Judged, look: Look): Promise<string[]> {
  const { driven, fresh, pods, probes, spread, weighed, namedByChecks } = judged
  const client = new Client()
  const keyed = keyedPods(look)
  const usable = new Set(
    look.servers.filter(({ status }) => /^(?:UP|no) /.test(status)).map(({ backend, name }) => `${backend}/${name}`)
  )
  try {
    const [runs = [], wanted = []] = await Promise.all(
      [driven, fresh].map(async ({ prefix }) => {
        const mine = probes.map((probe) => ({ ...probe, host: probe.host.replace(driven.prefix, prefix) }))
        return await client.ask(mine, weighed ? ROUNDS_ON_RING : ROUNDS)
      })
    )
    const failing = [runs, wanted].every((side) => {
      const statuses = new Set(side.flat().map(({ status }) => status))
      return statuses.has(503) && statuses.size > 1
    })
    const differences = probes.flatMap((probe, index) =>
      compareAnswers(
        {
          ...{ probe, runs: runs[index] ?? [], wanted: wanted[index] ?? [], failing },
          named: usable.has(probe.server ?? '')
        },
        spread ? keyed : new Map()
      )
    )
    differences.push(...compareNames(runs.flat(), wanted.flat()))
    if (spread) differences.push(...compareShares(runs.flat(), wanted.flat()))
    for (const { place } of look.servers) {
      const pod = place.replace(/:\d+$/, '')
      const [one, other] = [driven, fresh].map(({ prefix }) => pods.shapes(pod.replace('127.x.', prefix)).traffic)
      if (one === undefined || other === undefined || one.size === 0 || other.size === 0) continue
      const [ran, should] = [one, other].map((shapes) => connectionsOf(shapes, namedByChecks))
      if (ran !== should) differences.push(`connections to ${pod}: "${ran}", wanted "${should}"`)
    }
    return differences
  } finally {
    client.close()
  }
}

function connectionsOf(shapes: ReadonlySet<string>, namedByChecks: boolean): string {
  const told = new Set([...shapes].map((shape) => (namedByChecks ? unnamed(shape) : shape)))
  return [...told].sort().join(' | ')
}

/** What HAProxy calls the algorithms under which a request itself decides where it goes. */
const KEYED = /^(?:source|uri|url_param|hdr|rdp-cookie|hash|first)/

const kindOf = ({ status, headers }: Seen): string => `${status} ${headers}`

interface Answers {
  probe: Probe
  runs: readonly Seen[]
  wanted: readonly Seen[]
  /** Both have a dead server among those that serve: who meets it is chance. */
  failing: boolean
  /** The configuration names the server that answers it, and that one takes requests: none that is down does. */
  named: boolean
}

function nameOf({ tls, path, from }: Probe): string {
  return [...(tls === true ? ['https'] : []), path, ...(from === undefined ? [] : [`from ${from}`])].join(' ')
}

function compareAnswers(
  { probe, runs, wanted, failing, named }: Answers,
  keyed: ReadonlyMap<string, boolean>
): string[] {
  const name = nameOf(probe)
  const kinds = (seen: readonly Seen[]): string =>
    [...new Set(seen.filter(({ status }) => !failing || status !== 503).map(kindOf))].sort().join(' | ')
  const pods = (seen: readonly Seen[]): string => [...new Set(seen.map(({ pod }) => pod))].sort().join(', ')
  const [ran, should] = [kinds(runs), kinds(wanted)]
  if (ran !== should && !(failing && (ran === '' || should === ''))) return [`${name}: ${ran}, wanted ${should}`]
  const decided = named || (probe.from !== undefined && wanted.every(({ pod }) => keyed.get(pod) === true))
  return !decided || pods(runs) === pods(wanted) ? [] : [`${name} goes to ${pods(runs)}, wanted ${pods(wanted)}`]
}

/** By pod, whether only keyed backends have it. */
function keyedPods({ servers, algorithms }: Look): Map<string, boolean> {
  const keyed = new Map<string, boolean>()
  for (const { backend, place } of servers) {
    const pod = place.replace(/:\d+$/, '').split('.').slice(2).join('.')
    keyed.set(pod, (keyed.get(pod) ?? true) && KEYED.test(algorithms.get(backend) ?? ''))
  }
  return keyed
}

/** What a pod is called, towards itself and towards clients. */
function compareNames(runs: readonly Seen[], wanted: readonly Seen[]): string[] {
  const names = (seen: readonly Seen[]): Map<string, string> =>
    new Map(seen.filter(({ name }) => name !== '').map(({ pod, name }) => [pod, name]))
  const [ran, should] = [names(runs), names(wanted)]
  return [...should].flatMap(([pod, name]) => {
    const other = ran.get(pod)
    return other === undefined || other === name ? [] : [`${pod} is called ${other}, wanted ${name}`]
  })
}

function compareShares(runs: readonly Seen[], wanted: readonly Seen[]): string[] {
  const count = (seen: readonly Seen[]): Map<string, number> => {
    const counts = new Map<string, number>()
    for (const { pod } of seen) counts.set(pod, (counts.get(pod) ?? 0) + 1)
    return counts
  }
  const [ran, should] = [count(runs), count(wanted)]
  const total = runs.length
  const differences: string[] = []
  for (const pod of new Set([...ran.keys(), ...should.keys()])) {
    const [one, other] = [ran.get(pod) ?? 0, should.get(pod) ?? 0]
    const share = (one + other) / 2 / total
    // What is further away by chance is not so again: it is looked at until it fits.
    const tolerance = 3 + 3 * Math.sqrt(2 * total * share * (1 - share))
    const nothing = Math.min(one, other) === 0 && Math.max(one, other) >= 8
    if (nothing || Math.abs(one - other) > tolerance)
      differences.push(`${pod} had ${one} of ${total} requests, wanted ${other}`)
  }
  return differences
}
