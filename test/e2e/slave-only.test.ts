import { readdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { createService, startService, type RunningService } from '../support/service/start-service.ts'
import { NpmZerorpcClient } from '../support/zerorpc/zerorpc-clients.ts'

/** What the project promises of a process in every pod of a fleet. */
const MAX_RSS_BYTES = 70e6

const LOOPBACKS = ['127.0.0.1', '127.0.0.2', '127.0.0.3', '127.0.0.4']

describe('a process that is a slave and nothing else', () => {
  let master: RunningService
  let slave: RunningService

  beforeAll(async () => {
    master = await startService()
    // One master by four names: a hundred keepalives come in a quarter of the time.
    const masters = LOOPBACKS.map((address) => `${address}:${master.port}`).join(',')
    slave = await createService({
      env: {
        KONTROL_MODE: 'slave',
        KONTROL_LABELS: '{"app":"web","role":"backend"}',
        KONTROL_ANNOTATIONS: JSON.stringify({ 'kontrol.unity3d.com/master': masters }),
        KONTROL_IP: '127.0.0.11',
        KONTROL_ID: 'web-0',
        KONTROL_TTL: '1'
      }
    })
    await slave.start()
  })

  afterAll(async () => {
    await slave[Symbol.asyncDispose]()
    await master[Symbol.asyncDispose]()
  })

  it('reports itself to its master', async () => {
    const pod = await eventually(async () => {
      const { pods } = await master.json<{ pods: Record<string, unknown>[] }>('/api/v1/pods?app=web')
      return pods[0]
    })

    expect(pod).toMatchObject({ app: 'web', id: 'web-0', ip: '127.0.0.11', key: '2kce4X', role: 'backend' })
  })

  it('starts no HAProxy, nor any other process', () => {
    const children = readFileSync(`/proc/${slave.pid}/task/${slave.pid}/children`, 'utf8')

    expect(children).toBe('')
    expect(readdirSync(slave.data)).toEqual([])
  })

  it.each([
    ['/healthz', { status: 'ok' }],
    ['/readyz', { ready: true, problems: [], findings: [] }]
  ])('answers %s', async (path, body) => {
    expect(await slave.json(path)).toEqual(body)
  })

  it('has no state of a callback to show', async () => {
    expect(await slave.get('/state')).toMatchObject({ status: 200, body: '' })
  })

  it('shows figures and describes its routes', async () => {
    const { paths } = await slave.json<{ paths: object }>('/openapi.json')

    expect((await slave.get('/metrics')).body).toContain('kontrol_pods 0\n')
    expect(Object.keys(paths)).toEqual(expect.arrayContaining(['/ping', '/state', '/script', '/down', '/healthz']))
    expect(Object.keys(paths)).not.toContain('/api/v1/pods')
  })

  it.each([
    ['a keepalive', 'PUT', '/ping', 409, 'KTL_NOT_A_MASTER'],
    ['a path that only a master has', 'GET', '/api/v1/pods', 404, 'KTL_NOT_FOUND'],
    ['a method that a path does not take', 'POST', '/ping', 405, 'KTL_METHOD_NOT_ALLOWED'],
    ['a script without a command', 'PUT', '/script', 400, 'KTL_REQUEST_INVALID']
  ] as const)('refuses %s with the body of an error', async (_what, method, path, status, code) => {
    const answer = await slave.send(method, path, method === 'GET' ? undefined : '{}')

    expect(answer.status).toBe(status)
    const error = JSON.parse(answer.body) as object
    expect(error).toHaveProperty('code', code)
    expect(Object.keys(error)).toEqual(['code', 'message', 'hint'])
  })

  it('hands commands to the automaton of its pod, whether they come by HTTP or by ZeroRPC', async () => {
    const socket = join(slave.data, 's')
    const automaton = createServer({ allowHalfOpen: true }, (client) => {
      client.once('data', (command) => client.end(`got ${String(command)}`))
    }).listen(socket)
    const zerorpc = new NpmZerorpcClient(slave.port)
    const script = (state: string): string => JSON.stringify({ cmd: `echo GOTO ${state} | socat - ${socket}` })
    try {
      expect(await slave.send('PUT', '/script', script('one'))).toMatchObject({ status: 200, body: 'got GOTO one' })
      expect(await zerorpc.call('invoke', script('two'))).toBe('got GOTO two')
    } finally {
      zerorpc.close()
      automaton.close()
    }
  })

  it('takes less than 70 MB after a hundred keepalives and all of these requests', { timeout: 180_000 }, async () => {
    await eventually(async () => (await keepalivesTaken(master)) >= 100, 150_000)

    expect(residentBytes(slave)).toBeLessThan(MAX_RSS_BYTES)
  })

  it('leaves when it is asked to', async () => {
    expect((await slave.send('POST', '/down')).status).toBe(200)

    await eventually(async () => (await master.json<{ pods: unknown[] }>('/api/v1/pods?app=web')).pods.length === 0)
    expect(slave.output).toContain('leaving')
  })
})

async function keepalivesTaken(master: RunningService): Promise<number> {
  return Number(/^kontrol_keepalives_total (\d+)$/m.exec((await master.get('/metrics')).body)?.[1])
}

/** From a line as Linux 6.1 writes it: "VmRSS:\t   59680 kB". */
function residentBytes({ pid }: RunningService): number {
  const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  return Number(kib) * 1024
}
