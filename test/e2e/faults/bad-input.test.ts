import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { request } from 'undici'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from '../../support/eventually.ts'
import { httpSample } from '../../support/haproxy/sample-template.ts'
import { startBackend } from '../../support/haproxy/start-backend.ts'
import { freePort } from '../../support/free-port.ts'
import {
  createService,
  startService,
  type RunningService,
  type ServiceOptions
} from '../../support/service/start-service.ts'

interface ErrorBody {
  code: string
  message: string
  hint?: string
}

const valid = { app: 'web', id: 'web-1', ip: '127.0.0.9', key: 'k9', role: 'r', payload: '' }

/** A program that cannot start: its exit code and what it said. */
async function failedStart(options: ServiceOptions): Promise<{ code: number | null; output: string }> {
  await using service = await createService(options)
  const child = service.spawn()
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, output: service.output }
}

describe('a keepalive that makes no sense', () => {
  let service: RunningService
  beforeAll(async () => {
    service = await startService()
  })
  afterAll(() => service[Symbol.asyncDispose]())

  it.each([
    ['bad JSON', '{"app":', 400, 'KTL_REQUEST_INVALID'],
    ['no body', '', 400, 'KTL_KEEPALIVE_INVALID'],
    ['an array', '[]', 400, 'KTL_KEEPALIVE_INVALID'],
    ['a missing field', JSON.stringify({ ...valid, key: undefined }), 400, 'KTL_KEEPALIVE_INVALID'],
    ['an app with a newline', JSON.stringify({ ...valid, app: 'web\nglobal' }), 400, 'KTL_KEEPALIVE_INVALID'],
    ['a name as ip', JSON.stringify({ ...valid, ip: 'example.com' }), 400, 'KTL_KEEPALIVE_INVALID'],
    ['a body of 1 MiB', JSON.stringify({ ...valid, payload: 'x'.repeat(1024 * 1024) }), 413, 'KTL_BODY_TOO_LARGE']
  ])('with %s gets its own answer, and nothing is stored', async (_case, body, status, code) => {
    const answer = await service.send('PUT', '/ping', body)

    expect(answer.status).toBe(status)
    expect(JSON.parse(answer.body)).toMatchObject({ code, message: expect.any(String) as string })
    expect(await service.json('/api/v1/pods')).toEqual({ pods: [] })
  })

  it('under another method is told what the path takes', async () => {
    const answer = await service.send('POST', '/ping', JSON.stringify(valid))

    expect(answer.status).toBe(405)
    expect(answer.headers.allow).toBe('PUT')
  })

  it('at a process that is no master is told so', async () => {
    await using slave = await startService({ env: { KONTROL_MODE: 'slave' } })

    const answer = await slave.send('PUT', '/ping', JSON.stringify(valid))

    expect(answer.status).toBe(409)
    expect((JSON.parse(answer.body) as ErrorBody).code).toBe('KTL_NOT_A_MASTER')
  })
})

describe('a template that is broken', () => {
  it.each([
    ['cannot be read', 'frontend proxy\n  bind {{ oops\n', 'KTL_TEMPLATE_INVALID', /line 2/],
    ['fails for these hosts', 'global\n{{ hosts.nobody.knows }}\n', 'KTL_TEMPLATE_INVALID', /line 2/],
    ['gives what HAProxy refuses', 'frontend proxy\n  bnd *:80\n', 'KTL_HAPROXY_CONFIG_REJECTED', /bnd/]
  ])(
    'as it %s is told with its line, harms no traffic, and heals when repaired',
    async (_case, broken, code, words) => {
      const ports = { proxy: await freePort(), stats: await freePort(), backend: await freePort('0.0.0.0') }
      const good = httpSample(ports)
      await using backend = await startBackend('127.0.0.2', ports.backend)
      await using service = await createService({ env: { KONTROL_TTL: '300', KONTROL_CONFIG_FILE: '' } })
      const file = `${service.data}/template.j2`
      service.setEnvironment({ KONTROL_CONFIG_FILE: file })
      await writeFile(file, good)
      await service.start()
      await service.ping(backend.ip)
      await eventually(async () => (await request(`http://127.0.0.1:${ports.proxy}/`)).statusCode === 200)
      await service.ready()

      await writeFile(file, broken)

      const { problems } = await eventually(async () => {
        const { status, body } = await service.get('/readyz')
        return status === 503 ? (JSON.parse(body) as { problems: ErrorBody[] }) : undefined
      })
      expect(problems[0]).toMatchObject({ code, message: expect.stringMatching(words) as string })
      // The step ends later: it looks whether a pod is at fault.
      await eventually(async () => {
        const { lastError } = await service.json<{ lastError: ErrorBody }>('/api/v1/lifecycle')
        expect(lastError).toMatchObject({ code, message: expect.stringMatching(words) as string })
        return true
      })
      expect((await request(`http://127.0.0.1:${ports.proxy}/`)).statusCode).toBe(200)

      await writeFile(file, `${good}\n# repaired\n`)
      await service.ready()
      expect((await request(`http://127.0.0.1:${ports.proxy}/`)).statusCode).toBe(200)
    }
  )
})

describe('a start that cannot succeed', () => {
  it('lists every bad variable at once, and masks secrets', async () => {
    const { code, output } = await failedStart({
      env: {
        KONTROL_PORT: '99999',
        KONTROL_TTL: 'soon',
        KONTROL_LABELS: '{"app":"haproxy"}',
        KONTROL_TOKEN_FILE: '/nowhere'
      }
    })

    expect(code).toBe(78)
    for (const words of ['KONTROL_PORT', '"99999"', 'KONTROL_TTL', '"soon"', 'must hold role', 'KONTROL_TOKEN_FILE']) {
      expect(output).toContain(words)
    }
  })

  it('names the line of a dangling state in the manifest', async () => {
    await using service = await createService()
    const manifest = `${service.data}/lifecycle.yml`
    await writeFile(
      manifest,
      'initial: a\nterminal: z\nstates:\n  - tag: a\n    on: {done: nowhere}\n    shell: "true"\n  - tag: z\n'
    )

    const { code, output } = await failedStart({ env: { KONTROL_LIFECYCLE: manifest } })

    expect(code).toBe(78)
    expect(output).toMatch(/KTL_MANIFEST_INVALID[^]*line 5[^]*nowhere/)
  })

  it.each([64, 511])('says that it may open too few files: %d', async (files) => {
    const { code, output } = await failedStart({ prefix: ['prlimit', `--nofile=${files}:${files}`] })

    expect(code).toBe(78)
    expect(output).toMatch(new RegExp(`^KTL_CONFIG_INVALID: ${files} open files are too few[^]*LimitNOFILE`))
    expect(output).not.toContain('    at ')
  })

  it('says that the data folder cannot be written', async () => {
    const { code, output } = await failedStart({ env: { KONTROL_DATA: '/dev/null/data' } })

    expect(code).toBe(78)
    expect(output).toContain('KTL_DATA_UNWRITABLE')
  })

  it('says that the port is taken', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as { port: number }

    const { code, output } = await failedStart({ env: { KONTROL_PORT: String(port) } })

    server.close()
    expect(code).toBe(75)
    expect(output).toContain(`KTL_PORT_TAKEN: Port ${port}`)
  })

  it('leaves the running program alone when a second one is started on the same data', async () => {
    await using service = await startService()

    const { code, output } = await failedStart({
      env: { KONTROL_DATA: service.data, KONTROL_SOCKET: `${service.data}/s` }
    })

    expect(code).toBe(78)
    expect(output).toContain('KTL_SOCKET_UNUSABLE')
    expect((await service.get('/healthz')).status).toBe(200)
  })

  it('runs on without HAProxy, and says in /readyz that the binary is missing', async () => {
    await using service = await startService({
      template: 'frontend f\n  bind unix@/tmp/none',
      env: { KONTROL_HAPROXY: '/nowhere/haproxy' }
    })

    const problems = await eventually(async () => {
      const { status, body } = await service.get('/readyz')
      return status === 503 && body
    })

    expect(problems).toContain('KTL_HAPROXY_MISSING')
    expect(await service.ping('127.0.0.2')).toBe(200)
  })
})
