import { TypeBoxValidatorCompiler } from '@fastify/type-provider-typebox'
import type { FastifyInstance } from 'fastify'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { KontrolError, type Problem } from '../../../src/errors.ts'
import { describeApi } from '../../../src/http/description/describe-api.ts'
import { configRoutes } from '../../../src/http/routes/config.ts'
import { healthRoutes } from '../../../src/http/routes/health.ts'
import { kontrolRoutes, type KeepaliveSink } from '../../../src/http/routes/kontrol.ts'
import { lifecycleRoutes } from '../../../src/http/routes/lifecycle.ts'
import { podRoutes } from '../../../src/http/routes/pods.ts'
import { buildServer } from '../../../src/http/server.ts'
import type { PodStatus } from '../../../src/model/pod.ts'
import type { Reconfiguration } from '../../../src/model/reconfiguration.ts'
import { makeAccess } from '../../support/registry/make-access.ts'
import { takeSnapshot } from '../../support/registry/take-snapshot.ts'
import { programVersion } from '../../../src/platform/process/program-version.ts'
import { silentLogger } from '../../support/test-logger.ts'
import { makePod } from '../../support/registry/make-pod.ts'

const pod = (seq: number, change: Partial<PodStatus> = {}): PodStatus => ({
  ...makePod(seq),
  lastSeen: 1000,
  expiresAt: 26_000,
  held: false,
  ...change
})

const keepalive = { app: 'web', id: 'web-1', ip: '10.0.0.1', key: 'k1', role: 'r', payload: '' }

const makeRound = (id: number): Reconfiguration => ({
  id,
  ...{ cause: 'c', causedAt: 0, startedAt: 1, plan: 'none', operations: 0, reasons: [], phases: {}, diff: '' },
  ...{ outcome: 'unchanged', error: null }
})

let app: FastifyInstance
afterEach(() => app.close())

async function start({
  pods = [] as PodStatus[],
  tokens = [] as string[],
  problems = [] as Problem[],
  findings = [] as Problem[]
} = {}) {
  const registry = {
    take: vi.fn<KeepaliveSink['take']>(),
    refused: vi.fn<KeepaliveSink['refused']>(),
    callbackState: vi.fn((): string | undefined => undefined),
    pods: () => pods,
    pod: (key: string) => pods.find((one) => one.key === key),
    snapshot: () => takeSnapshot(pods),
    heldOf: (name: string) => pods.filter((one) => one.app === name && one.held).length,
    forget: (key: string) => pods.some((one) => one.key === key)
  }
  const lifecycle = {
    status: () => ({ state: 'idle', history: [1, 2, 3].map((id) => ({ id })) }),
    goto: vi.fn(async () => {}),
    wait: vi.fn(async () => ({ state: 'idle' }))
  }
  const leave = vi.fn()
  app = buildServer({ logger: silentLogger(), access: makeAccess({ operate: tokens }) })
  app.setValidatorCompiler(TypeBoxValidatorCompiler)
  await describeApi(app)
  await app.register(kontrolRoutes, {
    keepalives: registry,
    scripts: { run: async () => 'OK' },
    leave
  })
  await app.register(podRoutes, { registry, ownApp: 'haproxy' })
  await app.register(lifecycleRoutes, { lifecycle } as never)
  await app.register(healthRoutes, { problems: async () => problems, findings: () => findings })
  await app.register(configRoutes, {
    running: async () => ({ text: 'frontend f\n', digest: 'abc' }),
    candidate: async () => undefined,
    reconfigurations: () => [3, 4, 7].map(makeRound)
  })
  return { registry, lifecycle, leave }
}

describe('PUT /ping', () => {
  it.each(['json', 'text', 'application/json,', '', 'text/plain', ';', 'multipart/form-data'])(
    'takes the content type %j',
    async (type) => {
      const { registry } = await start()

      const answer = await app.inject({
        method: 'PUT',
        url: '/ping',
        headers: { 'content-type': type },
        payload: `\uFEFF${JSON.stringify(keepalive)}`
      })

      expect(answer).toMatchObject({ statusCode: 200, body: '' })
      expect(registry.take).toHaveBeenCalledWith(keepalive, expect.anything(), expect.any(Function))
    }
  )

  it('says why a payload is left out of a pod that is taken', async () => {
    const { registry } = await start()
    registry.take.mockImplementation((_body, _caller, onBadPayload) => onBadPayload?.('payload must be smaller'))

    const answer = await app.inject({ method: 'PUT', url: '/ping', payload: keepalive })

    expect(answer).toMatchObject({ statusCode: 200, body: 'Taken without its payload: payload must be smaller' })
  })

  it('takes what the HTTP generation of Kontrol sends and answers with an empty body', async () => {
    const { registry } = await start()

    const answer = await app.inject({ method: 'PUT', url: '/ping', payload: keepalive })

    expect(answer).toMatchObject({ statusCode: 200, body: '' })
    const caller: unknown = expect.objectContaining({ from: 'loopback' })
    expect(registry.take).toHaveBeenCalledWith(keepalive, caller, expect.any(Function))
  })

  it.each(['text/plain', 'application/x-www-form-urlencoded', ''])(
    'takes a body sent as "%s" for JSON',
    async (type) => {
      const { registry } = await start()

      const answer = await app.inject({
        method: 'PUT',
        url: '/ping',
        payload: JSON.stringify(keepalive),
        headers: type === '' ? {} : { 'content-type': type }
      })

      expect(answer.statusCode).toBe(200)
      expect(registry.take).toHaveBeenCalledTimes(1)
    }
  )

  it('passes on what the registry refuses', async () => {
    const { registry } = await start()
    registry.take.mockRejectedValue(new KontrolError('KTL_REGISTRY_FULL', 'full', { hint: 'Forget some.' }))

    const answer = await app.inject({ method: 'PUT', url: '/ping', payload: keepalive })

    expect(answer.statusCode).toBe(503)
    expect(answer.json()).toEqual({ code: 'KTL_REGISTRY_FULL', message: 'full', hint: 'Forget some.' })
  })

  it('says nothing of an error that nobody foresaw', async () => {
    const { registry } = await start()
    registry.take.mockRejectedValue(new Error('secret detail'))

    const answer = await app.inject({ method: 'PUT', url: '/ping', payload: keepalive })

    expect(answer.statusCode).toBe(500)
    expect(answer.body).not.toContain('secret detail')
    expect(answer.json()).toMatchObject({ code: 'KTL_UNEXPECTED' })
  })
})

describe('GET /state', () => {
  it('is empty before the first state, and then as it was printed', async () => {
    const { registry } = await start()

    expect(await app.inject('/state')).toMatchObject({ statusCode: 200, body: '' })
    registry.callbackState.mockReturnValue('{"md5": "aa"}')
    expect((await app.inject('/state')).body).toBe('{"md5": "aa"}')
  })
})

describe('POST /down', () => {
  it('leaves once the answer is out', async () => {
    const { leave } = await start()

    const answer = await app.inject({ method: 'POST', url: '/down' })

    expect(answer).toMatchObject({ statusCode: 200, body: '' })
    expect(leave).toHaveBeenCalledTimes(1)
  })

  it('is for loopback only', async () => {
    const { leave } = await start()

    const answer = await app.inject({ method: 'POST', url: '/down', remoteAddress: '10.1.2.3' })

    expect(answer.statusCode).toBe(403)
    expect(leave).not.toHaveBeenCalled()
  })

  it('is for those who hold a token where there is one', async () => {
    await start({ tokens: ['secret'] })
    const from = { method: 'POST', url: '/down', remoteAddress: '10.1.2.3' } as const

    expect((await app.inject(from)).statusCode).toBe(401)
    expect((await app.inject({ ...from, headers: { authorization: 'Bearer secret' } })).statusCode).toBe(200)
  })
})

describe('tokens', () => {
  it('are wanted for writes and not for reads', async () => {
    await start({ tokens: ['one', 'two'] })

    expect((await app.inject('/api/v1/pods')).statusCode).toBe(200)
    const refused = await app.inject({ method: 'PUT', url: '/ping', payload: keepalive })
    expect(refused).toMatchObject({ statusCode: 401 })
    expect(refused.headers['www-authenticate']).toBe('Bearer')
    for (const token of ['wrong', 'on', '']) {
      const headers = { authorization: `Bearer ${token}` }
      expect((await app.inject({ method: 'PUT', url: '/ping', payload: keepalive, headers })).statusCode).toBe(401)
    }
    for (const token of ['one', 'two']) {
      const headers = { authorization: `Bearer ${token}` }
      expect((await app.inject({ method: 'PUT', url: '/ping', payload: keepalive, headers })).statusCode).toBe(200)
    }
  })
})

describe('GET /api/v1/pods', () => {
  it('lists the pods with their times, and nulls for what a slave did not send', async () => {
    await start({ pods: [pod(1, { nonce: 'n', payload: { a: 1 } }), pod(2, { held: true })] })

    const { pods } = (await app.inject('/api/v1/pods')).json<{ pods: unknown[] }>()

    expect(pods).toEqual([
      {
        ...{ app: 'web', id: 'web-1', ip: '10.0.0.1', key: 'k1', role: 'r', seq: 1, nonce: 'n', payload: { a: 1 } },
        firstSeen: '1970-01-01T00:00:00.000Z',
        lastSeen: '1970-01-01T00:00:01.000Z',
        expiresAt: '1970-01-01T00:00:26.000Z',
        held: false
      },
      expect.objectContaining({ key: 'k2', nonce: null, payload: null, held: true })
    ])
  })

  it.each([0, 1, 499, 500, 501, 1000, 1001])('sends %i pods as one JSON document', async (count) => {
    await start({ pods: Array.from({ length: count }, (_, seq) => pod(seq)) })

    expect((await app.inject('/api/v1/pods')).json<{ pods: unknown[] }>().pods).toHaveLength(count)
  })

  it.each([
    ['/api/v1/pods?app=web', 'pods', 'seq', [0, 1, 4, 5]],
    ['/api/v1/apps', 'apps', 'app', ['10', 'api', 'web']],
    ['/api/v1/reconfigurations', 'reconfigurations', 'id', [3, 4, 7]],
    ['/api/v1/lifecycle', 'history', 'id', [1, 2, 3]]
  ])('pages %s', async (path, list, key, all) => {
    const pods = [pod(0), pod(1), pod(2, { app: 'api' }), pod(3, { app: '10' }), pod(4), pod(5)]
    await start({ pods })
    type Body = Record<string, Record<string, unknown>[]> & { next?: string | number | null }
    const ask = async (query: string) => {
      const body = (await app.inject(`${path}${path.includes('?') ? '&' : '?'}${query}`)).json<Body>()
      return { next: body.next, keys: body[list]?.map((item) => item[key]) }
    }

    for (const limit of [1, 2, all.length - 1]) {
      const seen: unknown[] = []
      let page = await ask(`limit=${limit}`)
      for (; page.next !== null; page = await ask(`limit=${limit}&after=${String(page.next)}`)) {
        expect(page.keys).toHaveLength(limit)
        seen.push(...(page.keys ?? []))
      }
      expect([...seen, ...(page.keys ?? [])]).toEqual(all)
    }
    expect(await ask(`limit=${all.length}`)).toEqual({ next: null, keys: all })
    expect(await ask('limit=100000')).toEqual({ next: null, keys: all })
    expect(await ask('')).toEqual({ next: undefined, keys: all })
    expect(await ask(`after=${String(all[0])}`)).toEqual({ next: undefined, keys: all.slice(1) })
    expect(await ask(`limit=1&after=${String(all.at(-1))}`)).toEqual({ next: null, keys: [] })
    for (const wrong of ['limit=0', 'limit=-1', 'limit=x']) {
      expect((await app.inject(`${path}${path.includes('?') ? '&' : '?'}${wrong}`)).statusCode).toBe(400)
    }
  })

  it('gives a page of 1,000 to one that asks for more', async () => {
    await start({ pods: Array.from({ length: 1_200 }, (_, seq) => pod(seq)) })

    const { pods, next } = (await app.inject('/api/v1/pods?limit=5000')).json<{ pods: unknown[]; next: number }>()

    expect(pods).toHaveLength(1_000)
    expect(next).toBe(999)
  })

  it('filters by app, and refuses other filters', async () => {
    await start({ pods: [pod(1), pod(2, { app: 'api' })] })

    expect((await app.inject('/api/v1/pods?app=api')).json()).toMatchObject({ pods: [{ key: 'k2' }] })
    expect((await app.inject('/api/v1/pods?role=r')).statusCode).toBe(400)
  })

  it('shows one pod by its key', async () => {
    await start({ pods: [pod(1), pod(2, { payload: { a: 1 } })] })

    const { pods } = (await app.inject('/api/v1/pods')).json<{ pods: unknown[] }>()
    expect((await app.inject('/api/v1/pods/k2')).json()).toEqual(pods[1])
    const unknown = await app.inject('/api/v1/pods/k9')
    expect(unknown.statusCode).toBe(404)
    expect(unknown.json()).toMatchObject({ code: 'KTL_POD_NOT_FOUND' })
  })

  it('forgets a pod by its key', async () => {
    await start({ pods: [pod(1)] })

    expect((await app.inject({ method: 'DELETE', url: '/api/v1/pods/k1' })).statusCode).toBe(204)
    const unknown = await app.inject({ method: 'DELETE', url: '/api/v1/pods/k9' })
    expect(unknown.statusCode).toBe(404)
    expect(unknown.json()).toMatchObject({ code: 'KTL_POD_NOT_FOUND' })
  })
})

describe('GET /api/v1/hosts', () => {
  it('shows what a template sees', async () => {
    await start({ pods: [pod(1), pod(2, { app: 'haproxy' }), pod(3, { app: 'api' })] })

    expect((await app.inject('/api/v1/hosts')).json()).toMatchObject({
      digest: expect.stringMatching(/^[0-9a-f:]{47}$/) as string,
      hosts: { api: ['10.0.0.3'], web: ['10.0.0.1'] }
    })
  })
})

describe('POST /api/v1/lifecycle/transitions', () => {
  it('answers 202 once it has started, or 200 at rest', async () => {
    const { lifecycle } = await start()
    const url = '/api/v1/lifecycle/transitions'

    expect((await app.inject({ method: 'POST', url, payload: { state: 'render' } })).statusCode).toBe(202)
    expect(
      (await app.inject({ method: 'POST', url, payload: { state: 'render', input: 'x', wait: true } })).statusCode
    ).toBe(200)
    expect(lifecycle.goto).toHaveBeenCalledWith('render', '')
    expect(lifecycle.wait).toHaveBeenCalledWith('render', 'x')
  })

  it.each([{}, { state: 7 }, { state: '' }, { state: 'render', force: true }])('refuses %j', async (payload) => {
    await start()

    const answer = await app.inject({ method: 'POST', url: '/api/v1/lifecycle/transitions', payload })

    expect(answer.statusCode).toBe(400)
    expect(answer.json()).toMatchObject({ code: 'KTL_REQUEST_INVALID' })
  })
})

describe('GET /readyz', () => {
  it('is 200 without a problem, and 503 with its reasons', async () => {
    const problems: Problem[] = []
    const findings: Problem[] = [{ code: 'KTL_HAPROXY_BACKEND_DOWN', message: 'web' }]
    await start({ problems, findings })

    const ready = await app.inject('/readyz')
    expect(ready.statusCode).toBe(200)
    expect(ready.json()).toEqual({ ready: true, problems: [], findings })
    problems.push({ code: 'KTL_TEMPLATE_INVALID', message: 'line 3', hint: 'Mend it.' })
    const answer = await app.inject('/readyz')
    expect(answer.statusCode).toBe(503)
    expect(answer.json()).toEqual({ ready: false, problems, findings })
  })
})

describe('GET /api/v1/config', () => {
  it('gives the running configuration with its digest, and 404 for a candidate that never was', async () => {
    await start()

    const running = await app.inject('/api/v1/config')
    expect(running).toMatchObject({ statusCode: 200, body: 'frontend f\n' })
    expect(running.headers).toMatchObject({ etag: '"abc"', 'content-type': 'text/plain; charset=utf-8' })
    expect((await app.inject('/api/v1/config?candidate')).statusCode).toBe(404)
  })
})

describe('the edge', () => {
  it('answers 404 for an unknown path and 405 with Allow for another method', async () => {
    await start()

    expect((await app.inject('/nowhere')).json()).toMatchObject({ code: 'KTL_NOT_FOUND' })
    const other = await app.inject({ method: 'DELETE', url: '/state' })
    expect(other.statusCode).toBe(405)
    expect(other.headers.allow).toBe('GET, HEAD')
  })

  it('describes each operation with an id of its own, what it takes, what it answers, and who may', async () => {
    await start()
    interface Operation {
      operationId: string
      summary: string
      tags: string[]
      security: object[]
      parameters?: { name: string; in: string; schema: object }[]
      requestBody?: { content: Record<string, { schema: { properties: object } }> }
      responses: Record<string, { description: string; content?: object }>
    }
    interface Description {
      info: { version: string }
      tags: { name: string }[]
      paths: Record<string, Record<string, Operation>>
      components: { securitySchemes: object }
    }

    const { info, tags, paths, components } = (await app.inject('/openapi.json')).json<Description>()

    expect(info.version).toBe(programVersion)
    const operations = Object.entries(paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({ path, method, ...operation }))
    )
    expect(new Set(operations.map(({ operationId }) => operationId)).size).toBe(operations.length)
    for (const operation of operations) {
      const { path, method, operationId, security, parameters = [], requestBody, responses } = operation
      expect(operationId).toMatch(/^[a-z][A-Za-z]+$/)
      expect(tags.map(({ name }) => name)).toEqual(expect.arrayContaining(operation.tags))
      for (const name of security.flatMap(Object.keys)) expect(components.securitySchemes).toHaveProperty(name)
      const inPath = parameters.filter((parameter) => parameter.in === 'path').map(({ name }) => name)
      expect(inPath).toEqual([...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name))
      // What is posted or put has a body that is described, but the goodbye, which has none.
      const takesBody = (method === 'post' || method === 'put') && path !== '/down'
      expect(Object.keys(requestBody?.content['application/json']?.schema.properties ?? {}).length > 0).toBe(takesBody)
      for (const [status, { description, content }] of Object.entries(responses)) {
        expect(['', 'Default Response']).not.toContain(description)
        expect(content !== undefined).toBe(!['204', '304'].includes(status))
      }
    }
  })

  it('describes every route in /openapi.json', async () => {
    await start()

    const { paths } = (await app.inject('/openapi.json')).json<{ paths: Record<string, object> }>()

    expect(Object.keys(paths)).toEqual(
      expect.arrayContaining(['/ping', '/state', '/script', '/down', '/api/v1/pods', '/api/v1/pods/{key}', '/readyz'])
    )
  })
})
