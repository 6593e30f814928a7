import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { Validator } from '@seriousme/openapi-schema-validator'
import { format } from 'prettier'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Route53Double } from '../../support/dns/route53-double.ts'
import { eventually } from '../../support/eventually.ts'
import { freePort } from '../../support/free-port.ts'
import { DescribedClient, type Answered, type Call } from '../../support/http/described-client.ts'
import { deviations, type ApiDocument } from '../../support/http/described-schema.ts'
import { createService, type RunningService } from '../../support/service/start-service.ts'

/**
 * A client that is made from GET /openapi.json alone calls every operation of the built program, and each answer must be
 * as the document says, to the last field. WRITE_EXAMPLES=1 writes the examples of the document from what was answered
 * (then build again).
 */

const EXAMPLES = join(import.meta.dirname, '../../../src/http/description/examples.ts')
const PRELOAD = pathToFileURL(join(import.meta.dirname, '../../support/service/list-routes.mjs')).href
const WRITES = process.env.WRITE_EXAMPLES === '1'
const [OPERATOR, READER] = ['of-operators', 'of-readers']

/** Called at the end and in this order, as they change what the others tell. */
const CHANGES = ['setServerState', 'requestTransition', 'forgetPod', 'leave']

/** Servers of the names that the examples of the document have. */
const TEMPLATE = `
frontend proxy
  bind 127.0.0.1:PORT
  mode http
  default_backend web
backend web
  mode http
{%- for pod in pods.web %}
  server {{ pod.id }} {{ pod.ip }}:{{ pod.payload.port }}
{%- endfor %}
`

class Subject implements AsyncDisposable {
  readonly service: RunningService
  readonly document: ApiDocument
  readonly client: DescribedClient
  /** What was answered last, by operation and status: `listPods 200`. */
  readonly answers = new Map<string, Answered>()

  private constructor(service: RunningService, document: ApiDocument) {
    this.service = service
    this.document = document
    this.client = new DescribedClient(service.url, document)
  }

  static async start(env: NodeJS.ProcessEnv): Promise<Subject> {
    const service = await createService({ env })
    service.setEnvironment({ NODE_OPTIONS: `--import=${PRELOAD}`, ROUTES_FILE: join(service.data, 'routes') })
    await service.start()
    const { body } = await service.send('GET', '/openapi.json', undefined, { authorization: `Bearer ${OPERATOR}` })
    return new Subject(service, JSON.parse(body) as ApiDocument)
  }

  async call(operationId: string, call: Call = {}): Promise<Answered> {
    const answered = await this.client.call(operationId, { token: OPERATOR, ...call })
    this.answers.set(`${operationId} ${answered.status}`, answered)
    return answered
  }

  /** With the body of the document's example, in which the socket is this automaton's. */
  async runScript(call: Call = {}): Promise<Answered> {
    const { example } = this.client.operations.get('runScript')?.requestBody?.content['application/json'] ?? {}
    const text = JSON.stringify(example).replace('/tmp/sock', join(this.service.data, 's'))
    return await this.call('runScript', { body: JSON.parse(text), ...call })
  }

  /** Operations that change nothing. */
  reads(): string[] {
    return [...this.client.operations.keys()].filter((id) => !CHANGES.includes(id))
  }

  async read(operationId: string, call: Call = {}): Promise<Answered> {
    return operationId === 'runScript' ? await this.runScript(call) : await this.call(operationId, call)
  }

  /**
   * `GET /api/v1/pods/{key}` of what the server has; the page's own files are nobody's to call. Each is given to an app twice: once to
   * be served, once to be described.
   */
  async routes(): Promise<string[]> {
    const lines = (await readFile(join(this.service.data, 'routes'), 'utf8')).trim().split('\n')
    const routes = lines.map((line) => JSON.parse(line) as { method: string; url: string })
    const shown = routes
      .filter(({ method, url }) => method !== 'HEAD' && !url.startsWith('/dashboard/'))
      .map(({ method, url }) => `${method} ${url.replace(/:(\w+)/g, '{$1}')}`)
    return [...new Set(shown)].sort()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.service[Symbol.asyncDispose]()
  }
}

const described = (document: ApiDocument): string[] =>
  Object.entries(document.paths)
    .flatMap(([path, methods]) => Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`))
    .sort()

describe('a client that is made from the description', () => {
  let double: Route53Double
  let proxy: Subject

  beforeAll(async () => {
    double = await Route53Double.start()
    double.firstStatus = 'INSYNC'
    double.addZone('Z1', 'example.com')
    const annotations = {
      'haproxy.unity3d.com/config': TEMPLATE.replace('PORT', String(await freePort())),
      'haproxy.unity3d.com/route53': 'www.example.com',
      // Leaving waits until resolvers have forgotten the proxy.
      'haproxy.unity3d.com/route53-ttl': '0',
      'kontrol.unity3d.com/master': '127.0.0.1'
    }
    proxy = await Subject.start({
      ...double.env,
      ...{ KONTROL_MODE: 'master,slave', KONTROL_ID: 'haproxy-1', KONTROL_DAMPER: '0.1', KONTROL_EIP: '203.0.113.1' },
      ...{ KONTROL_TOKEN: OPERATOR, KONTROL_PING_TOKEN: 'of-pods', KONTROL_READ_TOKEN: READER },
      KONTROL_ANNOTATIONS: JSON.stringify(annotations)
    })
  })

  afterAll(async () => {
    await proxy?.[Symbol.asyncDispose]()
    await double?.[Symbol.asyncDispose]()
  })

  it('finds a document that is valid OpenAPI, and in it every route that the server has, and no other', async () => {
    const { valid, errors } = await new Validator().validate({ ...proxy.document })

    expect(errors ?? []).toEqual([])
    expect(valid).toBe(true)
    expect(described(proxy.document)).toEqual(await proxy.routes())
  })

  it('finds an example of each body and of each answer of its own, which is as its schema says', () => {
    const lacking: string[] = []
    for (const { operationId, requestBody, responses } of proxy.client.operations.values()) {
      const answers = Object.entries(responses).filter(([status]) => /^2/.test(status))
      for (const { content = {} } of [...(requestBody ? [requestBody] : []), ...answers.map(([, answer]) => answer)]) {
        for (const [type, { schema, example }] of Object.entries(content)) {
          const found = example === undefined ? ['no example'] : deviations(proxy.document, schema, example)
          lacking.push(...found.map((what) => `${operationId} ${type}: ${what}`))
        }
      }
    }
    expect(lacking).toEqual([])
  })

  it('is let in with the credential that each operation asks for, and told so without', async () => {
    for (const { operationId, security, method } of proxy.client.operations.values()) {
      const without = await proxy.call(operationId, { token: undefined })
      expect([operationId, without.status === 401]).toEqual([operationId, security.length > 0])
      const { status } = await proxy.call(operationId, { token: READER })
      const isRead = method === 'GET' || security.length === 0
      expect([operationId, status === 403]).toEqual([operationId, !isRead])
    }
  })

  it('sends a keepalive, and then reads what there is, with and without what may be left out', async () => {
    expect(await proxy.call('ping')).toMatchObject({ status: 200, body: '' })
    await eventually(async () => JSON.stringify((await proxy.call('getHaproxy')).body).includes('"web-1"'))
    await eventually(async () => JSON.stringify((await proxy.call('getDns')).body).includes('"INSYNC"'))
    await eventually(async () => (await proxy.call('getReadiness')).status === 200)
    // Which is asked for each 5 s, and told from the second time on.
    if (WRITES)
      await eventually(async () => JSON.stringify((await proxy.call('getTraffic')).body).includes('"web"'), 30_000)

    for (const operationId of proxy.reads()) {
      for (const withOptional of [false, true]) {
        expect([operationId, (await proxy.read(operationId, { withOptional })).status]).toEqual([operationId, 200])
      }
    }
  })

  it('is told that nothing has changed where an operation can tell', async () => {
    const tagged = [...proxy.client.operations.values()].filter(({ responses }) => responses['304'] !== undefined)

    expect(tagged.length).toBeGreaterThan(5)
    for (const { operationId } of tagged) {
      const { status } = await proxy.call(operationId, { headers: { 'if-none-match': '*' } })
      expect([operationId, status]).toEqual([operationId, 304])
    }
  })

  it('is refused in the shape that the document has for it', async () => {
    const refused = async (operationId: string, call: Call = {}): Promise<unknown> => {
      const { status, body } = await proxy.call(operationId, call)
      return `${status} ${(body as { code: string }).code}`
    }
    expect(await refused('ping', { body: {} })).toBe('400 KTL_KEEPALIVE_INVALID')
    expect(await refused('runScript', { body: {} })).toBe('400 KTL_REQUEST_INVALID')
    expect(await refused('runScript', { body: { cmd: 'ls' } })).toBe('403 KTL_FORBIDDEN')
    expect(await refused('getPod', { parameters: { key: 'nobody' } })).toBe('404 KTL_POD_NOT_FOUND')
    expect(await refused('listPods', { parameters: { limit: 'x' } })).toBe('400 KTL_REQUEST_INVALID')
    const server = { backend: 'web', server: 'nobody', state: 'drain' }
    expect(await refused('setServerState', { body: server })).toBe('404 KTL_SERVER_NOT_FOUND')
    expect(await refused('requestTransition', { body: { state: 'nowhere' } })).toBe('409 KTL_TRANSITION_REFUSED')
  })

  it('changes what there is, and takes it to its end', async () => {
    expect(await proxy.call('setServerState')).toMatchObject({ status: 204 })
    expect(await proxy.call('requestTransition')).toMatchObject({ status: 200, body: { state: 'idle' } })
    expect(await proxy.call('requestTransition', { body: { state: 'expose-via-route53' } })).toMatchObject({
      ...{ status: 202, body: { state: 'expose-via-route53' } }
    })
    expect(await proxy.call('forgetPod')).toMatchObject({ status: 204 })
    expect(await proxy.call('forgetPod')).toMatchObject({ status: 404 })
    await eventually(async () => JSON.stringify((await proxy.call('getLifecycle')).body).includes('"state":"idle"'))
    const printed = new Map(proxy.answers)
    await proxy.call('requestTransition', { body: { state: 'shutdown', wait: true } })

    const status = async (operationId: string) => (await proxy.call(operationId)).status
    expect(await status('requestTransition')).toBeGreaterThanOrEqual(400)
    expect(await status('getHaproxy')).toBe(502)
    expect(await status('setServerState')).toBe(502)
    expect(await status('getReadiness')).toBe(503)
    for (const operationId of proxy.reads()) await proxy.read(operationId)
    expect(await status('leave')).toBe(200)
    expect(await proxy.service.ended()).toBe(0)
    if (WRITES) await writeExamples(printed, proxy)
  })
})

describe('a client of a slave alone', () => {
  it('finds all that there is described as well, and is answered so', async () => {
    await using slave = await Subject.start({
      ...{ KONTROL_MODE: 'slave', KONTROL_TOKEN: OPERATOR },
      KONTROL_ANNOTATIONS: '{"kontrol.unity3d.com/master":"127.0.0.1:1"}'
    })

    expect(described(slave.document)).toEqual(await slave.routes())
    for (const operationId of slave.reads()) await slave.read(operationId, { withOptional: true })
    expect(slave.answers.get('ping 409')?.body).toMatchObject({ code: 'KTL_NOT_A_MASTER' })
    expect((await slave.call('leave')).status).toBe(200)
  })
})

/** Two of each list are enough to see what there is. */
const MOST_ITEMS = 2
const MOST_LINES = 11

function shortened(value: unknown): unknown {
  if (typeof value === 'string') return value.split('\n').slice(0, MOST_LINES).join('\n')
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.slice(-MOST_ITEMS).map(shortened)
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, shortened(one)]))
}

async function writeExamples(answers: ReadonlyMap<string, Answered>, { document }: Subject): Promise<void> {
  const examples: Record<string, Record<string, unknown>> = {
    getDescription: { 200: { openapi: document.openapi, info: document.info, paths: {} } },
    leave: { 200: '' }
  }
  for (const [name, { body }] of answers) {
    const [operationId = '', status = ''] = name.split(' ')
    if (!/^20[0-2]$/.test(status) || operationId === 'getDescription') continue
    examples[operationId] = { ...examples[operationId], [status]: shortened(body) }
  }
  const [head = ''] = (await readFile(EXAMPLES, 'utf8')).split(' = {')
  const text = `${head} = ${JSON.stringify(examples)}\n`
  const style = {
    parser: 'typescript',
    printWidth: 120,
    semi: false,
    singleQuote: true,
    trailingComma: 'none'
  } as const
  await writeFile(EXAMPLES, await format(text, style))
}
