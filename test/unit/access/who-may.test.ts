import { readFile, writeFile } from 'node:fs/promises'
import { once } from 'node:events'
import { connect, createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { TypeBoxValidatorCompiler } from '@fastify/type-provider-typebox'
import type { FastifyInstance } from 'fastify'
import { format } from 'prettier'
import { Agent, request } from 'undici'
import { afterAll, expect, it } from 'vitest'
import type { Access } from '../../../src/access/access.ts'
import type { ManifestFacts } from '../../../src/access/command-rules.ts'
import { readSecrets } from '../../../src/access/credentials.ts'
import { createKeepaliveSink } from '../../../src/bootstrap/master.ts'
import { KontrolError, type ErrorCode } from '../../../src/errors.ts'
import { describeApi } from '../../../src/http/description/describe-api.ts'
import { EventHistory } from '../../../src/http/event-history.ts'
import { EventSlots } from '../../../src/http/event-slots.ts'
import { configRoutes } from '../../../src/http/routes/config.ts'
import { dashboardRoutes } from '../../../src/http/routes/dashboard.ts'
import { dnsRoutes } from '../../../src/http/routes/dns.ts'
import { eventRoutes } from '../../../src/http/routes/events.ts'
import { haproxyRoutes } from '../../../src/http/routes/haproxy.ts'
import { healthRoutes } from '../../../src/http/routes/health.ts'
import { kontrolRoutes } from '../../../src/http/routes/kontrol.ts'
import { lifecycleRoutes } from '../../../src/http/routes/lifecycle.ts'
import { metricsRoutes } from '../../../src/http/routes/metrics.ts'
import { podRoutes } from '../../../src/http/routes/pods.ts'
import { trafficRoutes } from '../../../src/http/routes/traffic.ts'
import { versionRoutes } from '../../../src/http/routes/version.ts'
import { buildServer, listen } from '../../../src/http/server.ts'
import { systemClock } from '../../../src/platform/clock.ts'
import { Registry } from '../../../src/registry/registry.ts'
import { parseKeepalive } from '../../../src/model/keepalive.ts'
import { CommandSocket } from '../../../src/lifecycle/command-socket.ts'
import { ScriptRunner } from '../../../src/slave/script/script.ts'
import { kontrolHandlers } from '../../../src/zerorpc/kontrol-handlers.ts'
import type { ZerorpcHandlers } from '../../../src/zerorpc/zerorpc-api.ts'
import { ZerorpcServer } from '../../../src/zerorpc/zerorpc-server.ts'
import { eventually } from '../../support/eventually.ts'
import { connectRaw, event, GREETING, message, READY_DEALER } from '../../support/zerorpc/raw-zerorpc.ts'
import { selfSigned, signedBy } from '../../support/certificates.ts'
import { makeAccess } from '../../support/registry/make-access.ts'
import { MemoryStore } from '../../support/registry/memory-store.ts'
import { registryLimits } from '../../support/registry/registry-limits.ts'
import { tempDir } from '../../support/temp-dir.ts'
import { silentLogger } from '../../support/test-logger.ts'

/**
 * Tries every read and write with every sender, and holds the answers against the tables of docs/security.md.
 * WRITE_DOCS=1 writes them there.
 */

const DOCS = join(import.meta.dirname, '../../../docs/security.md')
const [BEGIN, END] = ['<!-- tables of test/unit/access/who-may.test.ts -->', '<!-- end of these tables -->']

const [NETWORK, PROXY] = ['10.9.9.9', '10.9.9.1']
const SOCKET = '/tmp/sock'
const keepalive = (app: string, ip = '10.0.0.1') => ({ app, id: `${app}-1`, ip, key: `${app}1`, role: 'r' })
/** A pod that is known, and what another app says of its key. */
const KNOWN = parseKeepalive({ ...keepalive('shop', '10.0.0.7') })
const TAKEN_OVER = { ...keepalive('web', '10.6.6.6'), key: KNOWN.key }
const bearer = (token: string) => ({ authorization: `Bearer ${token}` })

interface Deed {
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE'
  readonly path: string
  readonly body?: unknown
  /** Of the automaton, as the unix socket takes it. */
  readonly command?: string
}

const read = (path: string): Deed => ({ method: 'GET', path })
const command = (text: string): Deed => ({
  ...{ method: 'PUT', path: '/script', command: text },
  body: { cmd: `echo ${text} | socat - ${SOCKET}` }
})

const DEEDS: Readonly<Record<string, Deed>> = {
  '`GET /`': read('/'),
  '`GET /healthz`': read('/healthz'),
  '`GET /readyz`': read('/readyz'),
  ...Object.fromEntries(
    [
      ...['/metrics', '/openapi.json', '/state', '/api/v1/pods', '/api/v1/apps', '/api/v1/hosts', '/api/v1/lifecycle'],
      ...['/api/v1/config', '/api/v1/reconfigurations', '/api/v1/haproxy', '/api/v1/traffic', '/api/v1/dns'],
      ...['/api/v1/events', '/api/v1/version']
    ].map((path) => [`\`GET ${path}\``, read(path)])
  ),
  '`GET /api/v1/pods/:key`': read('/api/v1/pods/k'),
  '`PUT /ping` of an app': { method: 'PUT', path: '/ping', body: keepalive('web') },
  '`PUT /ping` of another app': { method: 'PUT', path: '/ping', body: keepalive('db') },
  "`PUT /ping` of the proxies' own app": { method: 'PUT', path: '/ping', body: keepalive('haproxy') },
  "`PUT /ping` with the key of another app's pod": { method: 'PUT', path: '/ping', body: TAKEN_OVER },
  '`STATE`': command('STATE'),
  '`GOTO`, `WAIT`': command('WAIT render'),
  '`WAIT configure` with hosts': command(`WAIT configure '{"web": ["10.0.0.1"]}'`),
  '`SET` of what the manifest mentions': command('SET COLOUR blue'),
  '`SET` of what steers a program': command('SET BASH_ENV x'),
  '`GOTO` to the end': command('GOTO gone'),
  '`DIE`': command('DIE'),
  '`POST /api/v1/lifecycle/transitions`': {
    method: 'POST',
    path: '/api/v1/lifecycle/transitions',
    body: { state: 'render' }
  },
  '`POST /api/v1/haproxy/servers`': {
    method: 'POST',
    path: '/api/v1/haproxy/servers',
    body: { backend: 'b', server: 's', state: 'drain' }
  },
  '`DELETE /api/v1/pods/:key`': { method: 'DELETE', path: '/api/v1/pods/k' },
  '`POST /down`': { method: 'POST', path: '/down' }
}

/** What somebody gets: a status, or the answer of the socket. */
type Ask = (deed: Deed) => Promise<number | string | undefined>

interface ControlTier {
  readonly app: FastifyInstance
  readonly routes: Set<string>
  /** Somebody who speaks ZeroRPC, at that address. */
  readonly zerorpc: (address: string) => Promise<Ask>
  /** Makes the pods those that are known at first. */
  readonly reset: () => Promise<void>
}

const manifest: ManifestFacts = {
  leadsToEnd: (tag) => tag === 'gone',
  takesHosts: (tag) => tag === 'configure',
  mentions: (name) => name === 'COLOUR'
}

const closing: (() => unknown)[] = []
afterAll(async () => {
  for (const close of closing) await close()
})

interface Install {
  readonly secrets?: { operate?: string; ping?: string; read?: string }
  readonly tls?: { cert: string; key: string; ca: string }
}

/** The routes of a master with an automaton, and what its doors are asked. */
async function controlTier({ secrets = {}, tls }: Install = {}): Promise<ControlTier> {
  const source = (name: string, inline: string | undefined) => ({ name, inline, file: undefined })
  const { operate, ping, read: reading } = secrets
  const sources = { operate: source('o', operate), ping: source('p', ping), read: source('r', reading) }
  const access = makeAccess(readSecrets(sources, []), {
    ...{ manifest, tls: tls !== undefined, mutualTls: tls !== undefined },
    rules: { ownApp: 'haproxy', feeds: (address) => address === PROXY }
  })
  const app = buildServer({ logger: silentLogger(), access, ...(tls && { tls }) })
  const routes = new Set<string>()
  app.addHook('onRoute', ({ method, url }) => {
    for (const one of [method].flat()) if (one !== 'HEAD') routes.add(`${one} ${url}`)
  })
  app.setValidatorCompiler(TypeBoxValidatorCompiler)
  await describeApi(app)
  const scripts = new ScriptRunner({
    ...{ mode: 'automaton', socketPath: SOCKET, access, logger: silentLogger(), env: {} },
    sink: { execute: async () => 'OK' }
  })
  const registry = new Registry({
    ...{ store: new MemoryStore(), clock: systemClock, logger: silentLogger(), limits: registryLimits },
    ...{ ttlMs: 600_000, panicThreshold: 0.5 }
  })
  await registry.open()
  closing.push(() => registry.close())
  const metrics = { keepalive: () => {}, keepaliveRefused: () => {} }
  const config = { app: 'haproxy', verify: 'off', ip: '10.9.9.5', callback: undefined }
  const keepalives = createKeepaliveSink({ registry, access, logger: silentLogger(), metrics, config } as never)
  await app.register(kontrolRoutes, { scripts, keepalives, leave: () => {} })
  await app.register(podRoutes, { registry, ownApp: 'haproxy' })
  const lifecycle = { status: () => ({ history: [] }), goto: async () => {}, wait: async () => ({}) }
  await app.register(lifecycleRoutes, { lifecycle } as never)
  await app.register(healthRoutes, { problems: async () => [], findings: () => [] })
  await app.register(versionRoutes)
  await app.register(metricsRoutes, { metrics: { contentType: 'text/plain', render: async () => '' } })
  await app.register(dnsRoutes, { status: () => ({ records: [] }) })
  await app.register(eventRoutes, {
    history: new EventHistory({ path: '/dev/null/events.jsonl', clock: systemClock, logger: silentLogger() }),
    slots: new EventSlots()
  })
  await app.register(dashboardRoutes, { app: 'haproxy', id: 'one' })
  await app.register(trafficRoutes, { traffic: () => ({ at: [], proxies: [], leftOut: 0 }) })
  await app.register(haproxyRoutes, {
    status: async () => ({ proxies: [] }),
    setServerState: async () => {}
  } as never)
  const text = async () => ({ text: 'frontend f\n', digest: 'abc' })
  await app.register(configRoutes, { running: text, candidate: text, reconfigurations: () => [] })
  closing.push(() => app.close())
  return {
    ...{ app, routes },
    zerorpc: async (address) => await zerorpcAsker(access, kontrolHandlers({ keepalives, scripts }), address),
    async reset() {
      for (const { key } of registry.pods()) registry.forget(key)
      await registry.keepalive(KNOWN)
      await registry.keepalive({ ...KNOWN, key: 'k' })
    }
  }
}

/** Keepalives and commands, which is all that ZeroRPC has. */
async function zerorpcAsker(access: Access, handlers: ZerorpcHandlers, address: string): Promise<Ask> {
  const zerorpc = new ZerorpcServer({
    ...{ handlers, logger: silentLogger(), clock: systemClock, refusal: access.zerorpcRefusal },
    callerAt: () => access.callerAt(address)
  })
  const server = createServer((socket) => socket.once('data', (chunk: Buffer) => zerorpc.accept(socket, chunk)))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  closing.push(async () => {
    await zerorpc.close()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return async ({ path, body }) => {
    if (path !== '/ping' && path !== '/script') return undefined
    const { socket, received } = await connectRaw(port)
    const said = event(path === '/ping' ? 'ping' : 'invoke', [JSON.stringify(body)], 'python 3')
    socket.write(Buffer.concat([GREETING, READY_DEALER, message(said)]))
    const [, ok, code] = await eventually(() => /(OK)\x91|ERR[^]*?(KTL_[A-Z_]+)/.exec(received().toString('latin1')))
    socket.destroy()
    return ok ?? new KontrolError(code as ErrorCode, '').statusCode
  }
}

const asker =
  (app: FastifyInstance, remoteAddress: string, headers: Record<string, string> = {}): Ask =>
  async ({ method, path, body }) => {
    const answer = await app.inject({
      ...{ method, url: path, remoteAddress, payloadAsStream: true },
      headers: { host: '10.9.9.5:8000', ...headers },
      ...(body !== undefined && { payload: JSON.stringify(body) })
    })
    answer.stream().destroy()
    return answer.statusCode
  }

/** A client that shows a certificate. */
function clientWith(port: number, ca: string, certificate: { cert: string; key: string }): Ask {
  const dispatcher = new Agent({ connect: { ca, ...certificate } })
  closing.push(async () => await dispatcher.destroy())
  return async ({ method, path, body }) => {
    const payload = body === undefined ? null : JSON.stringify(body)
    const answer = await request(`https://127.0.0.1:${port}${path}`, { method, body: payload, dispatcher })
    answer.body.on('error', () => {}).destroy()
    return answer.statusCode
  }
}

/** The socket takes commands, and nothing else. */
const onSocket =
  (path: string): Ask =>
  async ({ command: text }) => {
    if (text === undefined) return undefined
    const socket = connect(path).end(text)
    const chunks: Buffer[] = []
    for await (const chunk of socket) chunks.push(chunk as Buffer)
    return Buffer.concat(chunks).toString()
  }

function shown(answer: number | string | undefined): string {
  if (answer === undefined) return ''
  if (typeof answer === 'string') return answer === 'KO' || answer === '' ? 'no' : 'yes'
  return answer < 300 ? 'yes' : String(answer)
}

async function tableOf({ reset }: ControlTier, senders: Readonly<Record<string, Ask>>): Promise<string> {
  const rows: string[][] = [
    ['', ...Object.keys(senders)],
    ['---', ...Object.keys(senders).map(() => '---')]
  ]
  for (const [name, deed] of Object.entries(DEEDS)) {
    const cells: string[] = []
    for (const ask of Object.values(senders)) {
      await reset()
      cells.push(shown(await ask(deed)))
    }
    rows.push([name, ...cells])
  }
  return rows.map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

it('is as the tables of docs/security.md say, cell by cell', async () => {
  await using dir = await tempDir()
  const done = async (): Promise<void> => {}
  const machine = { state: 'rest', goto: done, wait: done, set: () => {}, die: done }
  const socket = new CommandSocket({
    path: dir.file('s'),
    machine: machine as never,
    facts: manifest,
    logger: silentLogger()
  })
  await socket.listen()
  closing.push(() => socket.close())

  const openTier = await controlTier()
  const { app: open, routes } = openTier
  const secretTier = await controlTier({
    secrets: { operate: 'of-operators', ping: 'common,web=of-web,haproxy=of-proxies', read: 'of-readers' }
  })
  const { app: secret } = secretTier
  const authority = await selfSigned()
  const mutualTier = await controlTier({ tls: { ...authority, ca: authority.cert } })
  const { port } = await listen(mutualTier.app, 0)
  const named = async (name: string): Promise<Ask> => clientWith(port, authority.cert, await signedBy(authority, name))

  const page = { origin: 'http://other.example', 'sec-fetch-site': 'cross-site' }
  const nothing = await tableOf(openTier, {
    network: asker(open, NETWORK),
    'a live proxy': asker(open, PROXY),
    'a foreign page': asker(open, '127.0.0.1', page),
    'its own page': asker(open, NETWORK, { origin: 'http://10.9.9.5:8000', 'sec-fetch-site': 'same-origin' }),
    'ZeroRPC, network': await openTier.zerorpc(NETWORK),
    'ZeroRPC, a live proxy': await openTier.zerorpc(PROXY),
    'ZeroRPC, loopback': await openTier.zerorpc('127.0.0.1'),
    loopback: asker(open, '127.0.0.1'),
    'unix socket': onSocket(dir.file('s'))
  })
  const tokens = await tableOf(secretTier, {
    network: asker(secret, NETWORK),
    loopback: asker(secret, '127.0.0.1'),
    "pods' secret": asker(secret, NETWORK, bearer('common')),
    "the app's secret": asker(secret, NETWORK, bearer('of-web')),
    "the proxies' secret": asker(secret, NETWORK, bearer('of-proxies')),
    "readers' token": asker(secret, NETWORK, bearer('of-readers')),
    "operators' token": asker(secret, NETWORK, bearer('of-operators')),
    "a foreign page with the operators' token": asker(secret, NETWORK, { ...page, ...bearer('of-operators') }),
    ZeroRPC: await secretTier.zerorpc('127.0.0.1'),
    'unix socket': onSocket(dir.file('s'))
  })
  const certificates = await tableOf(mutualTier, {
    'another name': await named('somebody'),
    "the app's name": await named('web'),
    "the proxies' app": await named('haproxy'),
    '`operator`': await named('operator'),
    ZeroRPC: await mutualTier.zerorpc('127.0.0.1'),
    'unix socket': onSocket(dir.file('s'))
  })

  const tried = new Set(Object.values(DEEDS).map(({ method, path }) => `${method} ${path.replace('/k', '/:key')}`))
  const files = [...routes].filter((route) => /^GET \/(?:dashboard\/|[^/]+\.(?:js|css|svg)$)/.test(route))
  expect([...routes].filter((route) => !tried.has(route) && !files.includes(route))).toEqual([])

  const text = await format(
    [
      ...['With nothing set:', nothing],
      ...['With tokens for operators, pods and readers:', tokens],
      ...['With `KONTROL_TLS_CLIENT_CA`, by the name in the certificate:', certificates]
    ].join('\n\n'),
    { parser: 'markdown', printWidth: 120 }
  )
  const docs = await readFile(DOCS, 'utf8')
  const [from, to] = [docs.indexOf(BEGIN) + BEGIN.length, docs.indexOf(END)]
  if (process.env.WRITE_DOCS === '1') await writeFile(DOCS, `${docs.slice(0, from)}\n\n${text}\n${docs.slice(to)}`)
  else expect(docs.slice(from, to).trim()).toBe(text.trim())
}, 60_000)
