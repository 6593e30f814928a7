import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { Pool } from 'undici'
import { eventually } from '../eventually.ts'
import { tempDir } from '../temp-dir.ts'
import { freePort } from '../free-port.ts'
import { PROGRAM } from '../service/as-supervised.ts'

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))

export interface ControlTier extends AsyncDisposable {
  port: number
  url: string
  /** Kept-alive connections to it. */
  client: Pool
  dataFolder: string
  ping(keepalive: Record<string, unknown>): Promise<void>
  get(path: string): Promise<string>
}

/** The whole program in a process of its own, with a HAProxy of its own, for as long as a bench lasts. */
export async function startControlTier(template: string, env: Record<string, string> = {}): Promise<ControlTier> {
  const dir = await tempDir()
  const port = await freePort()
  const [node, ...words] = PROGRAM
  const child = spawn(node, [...words, 'run'], {
    cwd: ROOT,
    stdio: ['ignore', 'ignore', 'inherit'],
    env: {
      PATH: process.env.PATH,
      KONTROL_MODE: 'master',
      KONTROL_LABELS: '{"app":"haproxy","role":"balancer"}',
      KONTROL_ANNOTATIONS: JSON.stringify({ 'haproxy.unity3d.com/config': template }),
      KONTROL_PORT: String(port),
      KONTROL_DATA: dir.path,
      KONTROL_SOCKET: dir.file('automaton.sock'),
      KONTROL_TTL: '3600',
      KONTROL_LOG_LEVEL: 'error',
      ...env
    }
  })
  const exited = once(child, 'exit')
  const url = `http://127.0.0.1:${port}`
  const client = new Pool(url, { connections: 16 })
  const get = async (path: string): Promise<string> => {
    const { body, statusCode } = await client.request({ path, method: 'GET' })
    const text = await body.text()
    if (statusCode !== 200) throw new Error(`${path} answered ${statusCode}: ${text}`)
    return text
  }
  await eventually(async () => await get('/healthz'), 60_000)
  return {
    port,
    url,
    client,
    dataFolder: dir.path,
    get,
    async ping(keepalive) {
      const { body, statusCode } = await client.request({
        path: '/ping',
        method: 'PUT',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ role: 'web', ...keepalive })
      })
      const text = await body.text()
      if (statusCode !== 200) throw new Error(`/ping answered ${statusCode}: ${text}`)
    },
    async [Symbol.asyncDispose]() {
      await client
        .request({
          path: '/api/v1/lifecycle/transitions',
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ state: 'shutdown', wait: true })
        })
        .then(({ body }) => body.dump())
      await client.close()
      child.kill('SIGTERM')
      await exited
      await dir[Symbol.asyncDispose]()
    }
  }
}
