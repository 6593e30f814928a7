import { afterEach, describe, expect, it } from 'vitest'
import { eventually } from '../../support/eventually.ts'
import { startHttpBackend } from '../../support/haproxy/http-backend.ts'
import { ownAddress } from '../../support/haproxy/start-haproxy.ts'
import {
  startOriginalMaster,
  startOriginalSlave,
  type Generation,
  type OriginalMaster
} from '../../support/kontrol/original.ts'
import { startLoad } from '../../support/load/steady-load.ts'
import { createService, startService, type RunningService } from '../../support/service/start-service.ts'

const TTL = 8
const PATIENCE = 60_000
const PORT = 8081

const template = (address: string) => `
global
  maxconn 2000

defaults
  mode http
  timeout connect 5s
  timeout client 30s
  timeout server 30s

frontend proxy
  bind ${address}:8080
  default_backend web

backend web
  balance roundrobin
  retries 3
  option redispatch
  {%- for ip in hosts.get('web', []) %}
  server web-{{ loop.index }} {{ ip }}:${PORT}
  {%- endfor %}
`

const stops: (() => PromiseLike<unknown>)[] = []
const lastsUntilTheEnd = <T extends AsyncDisposable>(thing: T): T => {
  stops.push(() => thing[Symbol.asyncDispose]())
  return thing
}

/** Names of the pods that answer through a proxy. */
async function served(address: string): Promise<string[]> {
  const names = new Set<string>()
  for (let i = 0; i < 9; i++) {
    const answer = await fetch(`http://${address}:8080/`, { headers: { connection: 'close' } })
    names.add(answer.ok ? await answer.text() : `status ${answer.status}`)
  }
  return [...names].sort()
}

/** A fleet of Kontrol with the doubles of its programs, and ours beside it. */
class Fleet {
  /** Another one once it was stopped. */
  old: OriginalMaster
  readonly ours: RunningService
  readonly oldProxy: string
  readonly ourProxy: string
  readonly ips: readonly string[]
  readonly #generation: Generation
  readonly #slaves = new Map<string, AsyncDisposable>()

  private constructor(generation: Generation, old: OriginalMaster, ours: RunningService, addresses: readonly string[]) {
    this.#generation = generation
    this.old = old
    this.ours = ours
    const [oldProxy = '', ourProxy = '', ...ips] = addresses
    this.oldProxy = oldProxy
    this.ourProxy = ourProxy
    this.ips = ips
  }

  static async start(generation: Generation): Promise<Fleet> {
    const addresses = Array.from({ length: 5 }, () => ownAddress())
    const [oldProxy = '', ourProxy = '', ...ips] = addresses
    for (const ip of ips) lastsUntilTheEnd(await startHttpBackend(ip, ip, PORT))
    const old = await startOriginalMaster({ generation, ttlSeconds: TTL, template: template(oldProxy) })
    lastsUntilTheEnd(old)
    const ours = await startService({ template: template(ourProxy), env: { KONTROL_TTL: String(TTL) } })
    lastsUntilTheEnd(ours)
    return new Fleet(generation, old, ours, addresses)
  }

  get ourName(): string {
    return `127.0.0.1:${this.ours.port}`
  }

  /** Gives one pod after the other a new annotation, which restarts it, and waits each time until it is known again. */
  async name(masters: readonly string[], kind: 'old slaves' | 'slaves of ours' = 'old slaves'): Promise<void> {
    for (const ip of this.ips) {
      await this.#slaves.get(ip)?.[Symbol.asyncDispose]()
      this.#slaves.set(ip, kind === 'old slaves' ? this.#oldSlave(ip, masters) : await slaveOfOurs(ip, masters))
      if (masters.includes(this.old.name)) await this.#knownAt(() => this.old.ips(), ip)
      if (masters.includes(this.ourName)) await this.#knownAt(() => this.ourIps(), ip)
    }
  }

  #oldSlave(ip: string, masters: readonly string[]): AsyncDisposable {
    return startOriginalSlave({ generation: this.#generation, app: 'web', ip, ttlSeconds: TTL, masters })
  }

  async #knownAt(list: () => Promise<readonly string[]>, ip: string): Promise<void> {
    await eventually(async () => (await list()).includes(ip), PATIENCE)
  }

  async ourIps(): Promise<string[]> {
    const { hosts } = await this.ours.json<{ hosts: { web?: string[] } }>('/api/v1/hosts')
    return hosts.web ?? []
  }

  async ourNonces(): Promise<Record<string, string | undefined>> {
    const { pods } = await this.ours.json<{ pods: { ip: string; nonce?: string }[] }>('/api/v1/pods?app=web')
    return Object.fromEntries(pods.map(({ ip, nonce }) => [ip, nonce]))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const slave of this.#slaves.values()) await slave[Symbol.asyncDispose]()
  }
}

async function slaveOfOurs(ip: string, masters: readonly string[]): Promise<RunningService> {
  const slave = await createService({
    env: {
      KONTROL_MODE: 'slave',
      KONTROL_ID: `web-${ip.replaceAll('.', '-')}`,
      KONTROL_IP: ip,
      KONTROL_LABELS: '{"app":"web","role":"r"}',
      KONTROL_TTL: String(TTL),
      KONTROL_ANNOTATIONS: JSON.stringify({ 'kontrol.unity3d.com/master': masters.join(',') })
    }
  })
  await slave.start()
  return slave
}

const servesAll = (fleet: Fleet, address: string) =>
  eventually(async () => JSON.stringify(await served(address)) === JSON.stringify([...fleet.ips].sort()), PATIENCE)

describe('a fleet of Kontrol moves in, and back, as the guide says', { timeout: 600_000 }, () => {
  afterEach(async () => {
    for (const stop of stops.splice(0).reverse()) await stop()
  })

  it.each(['http', 'zerorpc'] as const)('of the generation that speaks %s', async (generation) => {
    const fleet = lastsUntilTheEnd(await Fleet.start(generation))
    const { old, ourName, oldProxy, ourProxy } = fleet
    // The fleet as it is.
    await fleet.name([old.name])
    await servesAll(fleet, oldProxy)

    // Step 1: ours stand beside, know nobody, and have changed nothing.
    await fleet.ours.ready()
    expect(await fleet.ourIps()).toEqual([])
    await servesAll(fleet, oldProxy)

    // Back from step 1: nobody knows of it.
    await fleet.ours.kill('SIGTERM')
    await servesAll(fleet, oldProxy)
    await fleet.ours.start()

    // Step 2: the slaves name both; back, they name the old one alone; and both again.
    await fleet.name([old.name, ourName])
    await fleet.name([old.name])
    await servesAll(fleet, oldProxy)
    await fleet.name([old.name, ourName])
    await eventually(async () => {
      const everybody = [...fleet.ips].sort()
      expect((await fleet.ourIps()).sort()).toEqual(everybody)
      expect((await old.ips()).sort()).toEqual(everybody)
      return true
    }, PATIENCE)
    await servesAll(fleet, oldProxy)
    await servesAll(fleet, ourProxy)

    // Step 3: the clients move. From here on nothing may fail at ours.
    const load = startLoad(ourProxy, 8080, { pauseMs: 20 })
    stops.push(() => load[Symbol.asyncDispose]())
    // Back from step 3: clients that return to the old proxy find every pod.
    await servesAll(fleet, oldProxy)

    // Step 4: the slaves name ours alone; the old master forgets them.
    await fleet.name([ourName])
    await eventually(async () => (await old.ips()).length === 0, PATIENCE)
    await servesAll(fleet, ourProxy)

    // Back from step 4: they name both again, and the old proxy serves as before.
    await fleet.name([old.name, ourName])
    await servesAll(fleet, oldProxy)
    await servesAll(fleet, ourProxy)

    // Step 5: slaves of ours, which report to both as long as both are named, without saying what the old one speaks.
    await fleet.name([old.name, ourName], 'slaves of ours')
    // It is they who are known there, and not those before them, who have not expired yet.
    await eventually(async () => {
      expect(await old.nonces()).toEqual(await fleet.ourNonces())
      return true
    }, PATIENCE)
    await servesAll(fleet, oldProxy)
    await servesAll(fleet, ourProxy)

    // Back from step 5: the old slaves again.
    await fleet.name([old.name, ourName])
    await servesAll(fleet, oldProxy)
    await servesAll(fleet, ourProxy)

    // Step 6: ours alone, and the old master is stopped.
    await fleet.name([ourName], 'slaves of ours')
    await old[Symbol.asyncDispose]()
    await servesAll(fleet, ourProxy)

    await load[Symbol.asyncDispose]()
    expect(load.failures).toEqual([])
    expect(load.served()).toBeGreaterThan(0)

    // All the way back: a new old master, old slaves, no word of ours.
    fleet.old = lastsUntilTheEnd(
      await startOriginalMaster({ generation, ttlSeconds: TTL, template: template(oldProxy), port: old.port })
    )
    await fleet.name([fleet.old.name])
    await servesAll(fleet, oldProxy)
  })
})
