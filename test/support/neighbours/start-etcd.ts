import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { Agent, request } from 'undici'
import { eventually } from '../eventually.ts'
import { tempDir } from '../temp-dir.ts'
import { freePort } from '../free-port.ts'

interface Member {
  name: string
  clientUrl: string
  peerUrl: string
  folder: string
  process: ChildProcess | undefined
}

/** Files; who has no certificate of that authority is not let in. */
export interface EtcdTls {
  ca: string
  cert: string
  key: string
}

export interface EtcdCluster extends AsyncDisposable {
  /** Client URLs of all members. */
  hosts: string[]
  /** Ends a member as a power cut does. */
  kill(member: number): Promise<void>
  /** Starts a member that was killed, on its old data. */
  start(member: number): Promise<void>
  killAll(): Promise<void>
  startAll(): Promise<void>
  /** Stops a member in the middle of its work (SIGSTOP), or lets it go on. */
  freeze(member: number): void
  thaw(member: number): void
  /** Throws the data of all (killed) members away. */
  wipe(): Promise<void>
  /** One request to the JSON gateway, as `curl` would make it. */
  call(path: string, body: object, headers?: Record<string, string>): Promise<unknown>
  /** Forgets all revisions before the present one, and so what a watch would ask for. */
  compact(): Promise<void>
}

/** A real etcd cluster on loopback ports, with its data in a folder of its own. */
export async function startEtcd(size: 1 | 3 = 1, tls?: EtcdTls): Promise<EtcdCluster> {
  const dir = await tempDir()
  const members: Member[] = []
  for (let i = 0; i < size; i++) {
    members.push({
      name: `m${i}`,
      clientUrl: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${await freePort()}`,
      peerUrl: `http://127.0.0.1:${await freePort()}`,
      folder: dir.file(`m${i}`),
      process: undefined
    })
  }
  const connect = tls && { ca: readFileSync(tls.ca), cert: readFileSync(tls.cert), key: readFileSync(tls.key) }
  const dispatcher = new Agent({ ...(connect && { connect }) })
  const initialCluster = members.map(({ name, peerUrl }) => `${name}=${peerUrl}`).join(',')
  const member = (i: number): Member => members[i] as Member
  const all = <T>(work: (i: number) => Promise<T>): Promise<T[]> => Promise.all(members.map((_, i) => work(i)))

  const launch = (i: number): void => {
    const { name, clientUrl, peerUrl, folder } = member(i)
    const args = ['--name', name, '--data-dir', folder, '--listen-client-urls', clientUrl]
    args.push('--advertise-client-urls', clientUrl, '--listen-peer-urls', peerUrl)
    args.push('--initial-advertise-peer-urls', peerUrl, '--initial-cluster', initialCluster, '--log-level', 'error')
    // Little to wait for on loopback, and a leader is found soon.
    args.push('--heartbeat-interval', '50', '--election-timeout', '500')
    if (tls !== undefined) {
      args.push('--cert-file', tls.cert, '--key-file', tls.key, '--trusted-ca-file', tls.ca, '--client-cert-auth')
    }
    const child = spawn('etcd', args, { stdio: 'ignore' })
    child.on('error', (error) => {
      throw new Error('etcd cannot be started: install etcd-server', { cause: error })
    })
    member(i).process = child
  }
  const healthy = (i: number): Promise<unknown> =>
    eventually(async () => {
      const { body } = await request(`${member(i).clientUrl}/health`, { dispatcher })
      return ((await body.json()) as { health: string }).health === 'true'
    }, 20_000)
  const kill = async (i: number): Promise<void> => {
    const { process: child } = member(i)
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const exit = once(child, 'exit')
    child.kill('SIGKILL')
    await exit
  }
  const startAll = async (): Promise<void> => {
    for (const i of members.keys()) launch(i)
    await all(healthy)
  }

  const call: EtcdCluster['call'] = async (path, body, headers = {}) => {
    const options = { dispatcher, method: 'POST', headers, body: JSON.stringify(body) } as const
    const answer = await request(`${member(0).clientUrl}${path}`, options)
    const text = await answer.body.text()
    if (answer.statusCode !== 200) throw new Error(`etcd answered ${path} with ${answer.statusCode}: ${text}`)
    return JSON.parse(text) as unknown
  }

  await startAll()
  return {
    hosts: members.map(({ clientUrl }) => clientUrl),
    kill,
    start: async (i) => {
      launch(i)
      await healthy(i)
    },
    killAll: async () => void (await all(kill)),
    startAll,
    freeze: (i) => void member(i).process?.kill('SIGSTOP'),
    thaw: (i) => void member(i).process?.kill('SIGCONT'),
    wipe: async () => void (await all((i) => rm(member(i).folder, { recursive: true, force: true }))),
    call,
    compact: async () => {
      const { header } = (await call('/v3/kv/range', { key: 'AA==' })) as { header: { revision: string } }
      await call('/v3/kv/compaction', { revision: header.revision })
    },
    [Symbol.asyncDispose]: async () => {
      await all(kill)
      await dispatcher.destroy()
      await dir[Symbol.asyncDispose]()
    }
  }
}
