import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { eventually } from '../../support/eventually.ts'
import { startImageHost, type ImageHost } from '../../support/kontrol/image-host.ts'
import { hostNetwork, SWITCH, type HostNetwork } from '../../support/neighbours/host-network.ts'
import { tempDir } from '../../support/temp-dir.ts'

const SAMPLES = join(import.meta.dirname, '../../../docker/samples')
const ADDRESSES = ['198.18.7.1', '198.18.7.2', '198.18.7.3', '198.18.7.4']
const MINUTE = 60_000
const TTL = 10

const stops: (() => PromiseLike<unknown>)[] = []

/** A real etcd, where every host reaches it. */
async function startEtcdAt({ prefix }: HostNetwork): Promise<string> {
  const dir = await tempDir()
  stops.push(() => dir[Symbol.asyncDispose]())
  const url = `http://${SWITCH}:2379`
  const [program = '', ...words] = [...prefix, 'etcd', '--data-dir', dir.path, '--log-level', 'error']
  const child = spawn(program, [...words, '--listen-client-urls', url, '--advertise-client-urls', url], {
    stdio: 'ignore'
  })
  const exited = once(child, 'exit')
  stops.push(() => {
    child.kill('SIGKILL')
    return exited
  })
  return url
}

class Member {
  readonly ip: string
  readonly #network: HostNetwork
  readonly #host: ImageHost

  private constructor(ip: string, network: HostNetwork, host: ImageHost) {
    this.ip = ip
    this.#network = network
    this.#host = host
  }

  /** A pod of the image, as Kubernetes would start it: with an empty disk. */
  static async start(ip: string, network: HostNetwork, prefix: readonly string[], env: Record<string, string>) {
    const host = await startImageHost({
      image: { dockerfile: join(SAMPLES, 'zookeeper/Dockerfile'), context: SAMPLES },
      network: prefix,
      env: { ...env, KONTROL_IP: ip, KONTROL_ID: `zookeeper-${ip.replaceAll('.', '-')}` }
    })
    stops.push(() => host[Symbol.asyncDispose]())
    return new Member(ip, network, host)
  }

  kill(): Promise<void> {
    return this.#host.kill()
  }

  get output(): string {
    return this.#host.output()
  }

  #count(text: string): number {
    return this.output.split(text).length - 1
  }

  /** How often supervisord has started its service. */
  get starts(): number {
    return this.#count("spawned: 'zookeeper'")
  }

  get callbacks(): number {
    return this.#count('"msg":"callback ran"')
  }

  get formations(): number {
    return this.#count('the ensemble is formed anew')
  }

  /** What its service says to a client. */
  async role(): Promise<string | undefined> {
    const answer = await this.#network.ask(['socat', '-t', '5', '-', `TCP:${this.ip}:2181`], 'mntr\n')
    const [, role, ensemble] = /zk_server_state\t(\w+)\nzk_ensemble\t(\S+)/.exec(answer ?? '') ?? []
    return ensemble === '1,2,3' ? role : undefined
  }

  async get<T>(path: string): Promise<T | undefined> {
    const text = await this.#network.ask(['curl', '-sf', '--max-time', '10', `http://${this.ip}:8000${path}`])
    return text === undefined || text === '' ? undefined : (JSON.parse(text) as T)
  }

  async leads(): Promise<boolean> {
    const url = `http://${this.ip}:8000/metrics`
    return (
      (await this.#network.ask(['curl', '-sf', '--max-time', '10', url]))?.includes('\nkontrol_leader 1\n') === true
    )
  }

  async pods(): Promise<string[]> {
    const list = await this.get<{ pods: { ip: string }[] }>('/api/v1/pods?app=zookeeper')
    return (list?.pods ?? []).map(({ ip }) => ip).sort()
  }
}

async function startMembers(callback: string) {
  const network = await hostNetwork()
  stops.push(() => network[Symbol.asyncDispose]())
  const prefixes = new Map<string, readonly string[]>()
  for (const ip of ADDRESSES) prefixes.set(ip, await network.addHost(ip))
  const env = {
    KONTROL_LABELS: '{"app": "zookeeper", "role": "member"}',
    KONTROL_ANNOTATIONS: JSON.stringify({ 'kontrol.unity3d.com/master': ADDRESSES.join(',') }),
    KONTROL_ETCD: await startEtcdAt(network),
    KONTROL_TTL: String(TTL),
    KONTROL_FOVER: '10',
    KONTROL_DAMPER: '1',
    KONTROL_CALLBACK: callback
  }
  const start = (ip: string) => Member.start(ip, network, prefixes.get(ip) ?? [], env)
  return { start, members: await Promise.all(ADDRESSES.slice(0, 3).map(start)), network }
}

const roles = async (members: readonly Member[]) => (await Promise.all(members.map((member) => member.role()))).sort()
const formed = (members: readonly Member[], count: number) =>
  eventually(async () => {
    const states = await Promise.all(members.map((member) => member.get<{ formed: number }>('/state')))
    return states.every((state) => state?.formed === count)
  }, 5 * MINUTE)
const whole = (members: readonly Member[]) =>
  eventually(async () => (await roles(members)).join() === 'follower,follower,leader', 2 * MINUTE)
const starts = (members: readonly Member[]) => members.map((member) => member.starts)
const leaderOf = (members: readonly Member[]) =>
  eventually(async () => {
    const flags = await Promise.all(members.map((member) => member.leads()))
    return flags.filter(Boolean).length === 1 ? members[flags.indexOf(true)] : undefined
  }, MINUTE)
const sum = (members: readonly Member[], what: 'callbacks' | 'formations') =>
  members.reduce((total, member) => total + member[what], 0)

describe('three hosts of an image on the base image, each master and slave of all', { timeout: 20 * MINUTE }, () => {
  afterEach(async () => {
    for (const stop of stops.splice(0).reverse()) await stop()
  })

  it.each([
    { way: 'PUT /script', argument: '', victim: 'the leader', comes: 'at its address' },
    { way: 'ZeroRPC', argument: ' zerorpc', victim: 'another', comes: 'at a new one' }
  ])(
    'form their ensemble by $way, and anew, once, when $victim was killed and came back $comes',
    async ({ argument, victim, comes }) => {
      const { start, members, network } = await startMembers(`python /home/kontrol/callback.py${argument}`)
      await formed(members, 1)
      await whole(members)
      expect(starts(members)).toEqual([1, 1, 1])
      const leading = await leaderOf(members)
      expect(leading.formations).toBe(1)

      const killed = members.find((member) => (member === leading) === (victim === 'the leader')) as Member
      const others = members.filter((member) => member !== killed)
      const ranBefore = sum(others, 'callbacks')
      await killed.kill()
      await eventually(
        async () => (await Promise.all(others.map((member) => member.pods()))).every(({ length }) => length === 2),
        2 * MINUTE
      )
      // The callback was run for the two, and has left them alone: a majority serves.
      await eventually(() => sum(others, 'callbacks') > ranBefore, MINUTE)
      await eventually(async () => (await roles(others)).join() === 'follower,leader', MINUTE)
      expect(starts(others)).toEqual([1, 1])

      const back = await start(comes === 'at its address' ? killed.ip : (ADDRESSES[3] as string))
      const all = [...others, back]
      await formed(all, 2)
      await whole(all)
      const ips = all.map(({ ip }) => ip).sort()
      await eventually(async () => JSON.stringify(await back.pods()) === JSON.stringify(ips), MINUTE)

      // A pod of another app is a change as well, and none of the ensemble.
      const ran = sum(all, 'callbacks')
      const body = '{"app": "web", "id": "w", "ip": "198.18.7.9", "key": "w", "role": "r", "payload": ""}'
      const url = `http://${back.ip}:8000/ping`
      expect(await network.ask(['curl', '-sf', '-X', 'PUT', '-d', body, url])).toBe('')
      await eventually(() => sum(all, 'callbacks') > ran, MINUTE)
      expect(starts(others)).toEqual([2, 2])
      expect(back.starts).toBe(1)
      expect(sum([...all, killed], 'formations')).toBe(2)
      const leaders = [leading, await leaderOf(all)]
      expect(sum(leaders, 'formations')).toBe(leaders[0] === leaders[1] ? 4 : 2)
      await whole(all)
    }
  )
})
