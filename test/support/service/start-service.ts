import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { request, type Dispatcher } from 'undici'
import { haproxyPaths, masterSocketArgument } from '../../../src/haproxy/files/paths.ts'
import { findMaster } from '../../../src/haproxy/process/process-table.ts'
import { eventually } from '../eventually.ts'
import { freePort } from '../free-port.ts'
import { tempDir } from '../temp-dir.ts'
import { PROGRAM } from './as-supervised.ts'

export interface ServiceOptions {
  /** Text of the template; none when absent. */
  template?: string
  env?: NodeJS.ProcessEnv
  /** Words before the program, such as `ip netns exec <name>`. */
  prefix?: readonly string[]
  /** The way to it, where it is not on this network. */
  dispatcher?: Dispatcher
}

/** The built program as a process of its own, in a data folder that goes away with it. */
export class RunningService implements AsyncDisposable {
  readonly data: string
  readonly url: string
  readonly port: number
  readonly #env: NodeJS.ProcessEnv
  #prefix: readonly string[]
  readonly #dispatcher: Dispatcher | undefined
  readonly #cleanUp: () => PromiseLike<void>
  #child: ChildProcess | undefined
  #output = ''

  constructor(
    data: string,
    port: number,
    { template, env, prefix = [], dispatcher }: ServiceOptions,
    cleanUp: () => PromiseLike<void>
  ) {
    this.data = data
    this.port = port
    this.url = `http://127.0.0.1:${port}`
    this.#prefix = prefix
    this.#dispatcher = dispatcher
    this.#cleanUp = cleanUp
    this.#env = {
      PATH: process.env.PATH,
      KONTROL_MODE: 'master',
      KONTROL_LABELS: '{"app":"haproxy","role":"balancer"}',
      KONTROL_PORT: String(port),
      KONTROL_DATA: data,
      KONTROL_SOCKET: join(data, 's'),
      ...(template !== undefined && {
        KONTROL_ANNOTATIONS: JSON.stringify({ 'haproxy.unity3d.com/config': template })
      }),
      ...env
    }
  }

  /** For the next start. */
  setEnvironment(env: NodeJS.ProcessEnv): void {
    Object.assign(this.#env, env)
  }

  /** For the next start. */
  setPrefix(prefix: readonly string[]): void {
    this.#prefix = prefix
  }

  get output(): string {
    return this.#output
  }

  /** What was said so far is not asked for any more. */
  forgetOutput(): void {
    this.#output = ''
  }

  get pid(): number | undefined {
    return this.#child?.pid
  }

  /** Starts the process, again when it was killed; resolves once it answers. */
  async start(): Promise<void> {
    const child = this.spawn()
    await eventually(async () => {
      if (child.exitCode !== null) throw new Error(`the service ended with ${child.exitCode}:\n${this.#output}`)
      return (await this.get('/healthz')).status === 200
    }, 30_000)
  }

  /** The process that runs. */
  child(): ChildProcess {
    if (this.#child === undefined) throw new Error('it was not started')
    return this.#child
  }

  spawn(): ChildProcess {
    const [command = process.execPath, ...args] = [...this.#prefix, ...PROGRAM, 'run']
    const child = spawn(command, args, { env: this.#env, stdio: ['ignore', 'pipe', 'pipe'] })
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (this.#output += String(chunk)))
    this.#child = child
    return child
  }

  /** Waits until HAProxy runs what is wanted. */
  async ready(): Promise<void> {
    await eventually(async () => {
      const { status, body } = await this.get('/readyz')
      if (status !== 200) throw new Error(`not ready: ${body}\n${this.#output}`)
      return true
    }, 30_000)
  }

  async get(path: string): Promise<{ status: number; body: string; headers: Record<string, unknown> }> {
    return this.send('GET', path)
  }

  async json<T>(path: string): Promise<T> {
    return JSON.parse((await this.get(path)).body) as T
  }

  async send(method: 'GET' | 'PUT' | 'POST' | 'DELETE', path: string, body?: string, headers = {}) {
    const dispatcher = this.#dispatcher
    const way = dispatcher === undefined ? {} : { dispatcher }
    const response = await request(`${this.url}${path}`, { method, body: body ?? null, headers, ...way })
    return { status: response.statusCode, body: await response.body.text(), headers: response.headers }
  }

  /** Announces a pod, as a slave does. */
  async ping(ip: string, change: Record<string, unknown> = {}): Promise<number> {
    const keepalive = {
      app: 'web',
      id: `web-${ip}`,
      ip,
      key: ip.replaceAll('.', '-'),
      role: 'r',
      payload: '',
      ...change
    }
    return (await this.send('PUT', '/ping', JSON.stringify(keepalive))).status
  }

  async kill(signal: NodeJS.Signals): Promise<number | null> {
    const child = this.#child
    if (child === undefined || child.exitCode !== null) return child?.exitCode ?? null
    const exited = once(child, 'exit') as Promise<[number | null]>
    child.kill(signal)
    const [code] = await exited
    return code
  }

  /** Its exit code, once it has ended by itself. */
  async ended(): Promise<number | null> {
    const child = this.#child
    if (child === undefined || child.exitCode !== null) return child?.exitCode ?? null
    const [code] = (await once(child, 'exit')) as [number | null]
    return code
  }

  /** Ends HAProxy as well, which outlives the program on purpose. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null) {
      const { KONTROL_TOKEN: token } = this.#env
      const headers = token === undefined ? {} : { authorization: `Bearer ${token}` }
      const shutdown = '{"state":"shutdown","wait":true}'
      await this.send('POST', '/api/v1/lifecycle/transitions', shutdown, headers).catch(() => {})
      await this.kill('SIGTERM')
    }
    // One that the test left without its program, or whose program listens to others.
    const left = await findMaster(masterSocketArgument(haproxyPaths(this.data)))
    if (left !== undefined) process.kill(left.pid, 'SIGTERM')
    await this.#cleanUp()
  }
}

/** Starts the program; the caller decides whether to wait until it is ready. */
export async function startService(options: ServiceOptions = {}): Promise<RunningService> {
  const service = await createService(options)
  await service.start()
  return service
}

/** The same without starting it. */
export async function createService(options: ServiceOptions = {}): Promise<RunningService> {
  const dir = await tempDir()
  return new RunningService(dir.path, await freePort(), options, () => dir[Symbol.asyncDispose]())
}
