import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { keyOf } from '../../../src/slave/identity.ts'
import { eventually } from '../eventually.ts'
import { freePort } from '../free-port.ts'
import { tempDir } from '../temp-dir.ts'

/** Of Kontrol: the first spoke HTTP, the last ZeroRPC. */
export type Generation = 'http' | 'zerorpc'

const PROGRAM = join(import.meta.dirname, 'original.py')

export interface OriginalMaster extends AsyncDisposable {
  /** host:port */
  name: string
  port: number
  /** Addresses of the pods that it knows, in order. */
  ips(): Promise<string[]>
  /** What each of them said last to be its nonce, by address. */
  nonces(): Promise<Record<string, string | undefined>>
}

export interface OriginalMasterOptions {
  generation: Generation
  ttlSeconds: number
  /** Of its HAProxy's configuration; it runs none without. */
  template?: string
  port?: number
}

/** A double of a master, with a real HAProxy that it configures when its pods change. */
export async function startOriginalMaster(options: OriginalMasterOptions): Promise<OriginalMaster> {
  const { generation, ttlSeconds, template, port = await freePort() } = options
  const dir = await tempDir()
  if (template !== undefined) await writeFile(dir.file('haproxy.cfg.j2'), template)
  const stop = run(['master', generation, '127.0.0.1', String(port), String(ttlSeconds), dir.path])
  await eventually(() => listens(port))
  const pods = async () => JSON.parse(await readFile(dir.file('pods.json'), 'utf8')) as { ip: string; nonce?: string }[]
  return {
    name: `127.0.0.1:${port}`,
    port,
    ips: async () => (await pods()).map(({ ip }) => ip),
    nonces: async () => Object.fromEntries((await pods()).map(({ ip, nonce }) => [ip, nonce])),
    async [Symbol.asyncDispose]() {
      await stop()
      await dir[Symbol.asyncDispose]()
    }
  }
}

export interface OriginalSlaveOptions {
  generation: Generation
  app: string
  ip: string
  ttlSeconds: number
  /** host:port of each. */
  masters: readonly string[]
}

/** A double of a slave; disposed of, it leaves as its generation does. */
export function startOriginalSlave({
  generation,
  app,
  ip,
  ttlSeconds,
  masters
}: OriginalSlaveOptions): AsyncDisposable {
  const pod = { app, id: `${app}-${ip.replaceAll('.', '-')}`, ip, key: keyOf(ip), role: 'r' }
  return { [Symbol.asyncDispose]: run(['slave', generation, JSON.stringify(pod), String(ttlSeconds), ...masters]) }
}

/** Debian's Python has the modules; another one on the path may have not. */
function run(args: string[]): () => Promise<void> {
  const child = spawn('/usr/bin/python3', [PROGRAM, ...args], { stdio: ['ignore', 'ignore', 'inherit'] })
  const exited = once(child, 'exit')
  return async () => {
    child.kill('SIGTERM')
    await exited
  }
}

async function listens(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } finally {
    socket.destroy()
  }
}
