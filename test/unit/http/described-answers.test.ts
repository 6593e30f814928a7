import { TypeBoxValidatorCompiler } from '@fastify/type-provider-typebox'
import type { FastifyInstance } from 'fastify'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { DnsStatus } from '../../../src/dns/dns-status.ts'
import type { Problem } from '../../../src/errors.ts'
import type { HaproxyStatus } from '../../../src/haproxy/socket/status.ts'
import { describeApi } from '../../../src/http/description/describe-api.ts'
import { configRoutes } from '../../../src/http/routes/config.ts'
import { dnsRoutes } from '../../../src/http/routes/dns.ts'
import { haproxyRoutes } from '../../../src/http/routes/haproxy.ts'
import { healthRoutes } from '../../../src/http/routes/health.ts'
import { lifecycleRoutes } from '../../../src/http/routes/lifecycle.ts'
import { podRoutes } from '../../../src/http/routes/pods.ts'
import { trafficRoutes } from '../../../src/http/routes/traffic.ts'
import { buildServer } from '../../../src/http/server.ts'
import type { AutomatonStatus } from '../../../src/lifecycle/step-log.ts'
import type { Settled } from '../../../src/lifecycle/transition-queue.ts'
import type { PodStatus } from '../../../src/model/pod.ts'
import type { Reconfiguration } from '../../../src/model/reconfiguration.ts'
import type { TrafficHistory } from '../../../src/telemetry/traffic.ts'
import { deviations, operationsOf, type ApiDocument } from '../../support/http/described-schema.ts'
import { makeAccess } from '../../support/registry/make-access.ts'
import { makePod } from '../../support/registry/make-pod.ts'
import { takeSnapshot } from '../../support/registry/take-snapshot.ts'
import { silentLogger } from '../../support/test-logger.ts'

/** With every field that it may have, so that one which is added is missed here at once. */
type Full<T> = T extends readonly (infer U)[]
  ? Full<U>[]
  : T extends object
    ? { [K in keyof T]-?: Full<Exclude<T[K], undefined>> }
    : T

const at = '2026-11-22T13:46:45.975Z'
const ms = Date.parse(at)
const problem: Full<Problem> = { code: 'KTL_DNS_DENIED', message: 'm', hint: 'h' }

const lifecycle: Full<AutomatonStatus> = {
  ...{ state: 'idle', since: at, running: true },
  queue: [{ tag: 'render', input: '', queuedAt: at }],
  lastError: { ...problem, at, state: 'render' },
  states: [{ tag: 'render', kind: 'action', force: false, terminal: false, on: { done: 'idle' }, next: ['render'] }],
  history: [{ id: 1, tag: 'render', input: '', startedAt: at, ms: 1, outcome: 'failed', error: problem }]
}
const settled: Full<Settled> = { state: 'idle', outcome: 'failed', error: problem }

const counters = { status: 'UP', sessions: 0, totalSessions: 1, bytesIn: 2, bytesOut: 3 }
const haproxy: Full<HaproxyStatus> = {
  ...{ version: '3.0.1', pid: 2, uptimeSeconds: 3, reloads: 1, workerPid: 4 },
  oldWorkers: [{ pid: 3, uptimeSeconds: 1, connections: 1 }],
  problems: [problem],
  proxies: [
    {
      ...{ name: 'web', frontend: counters, backend: { ...counters, usableServers: 1 } },
      serverCount: { all: 1, down: 1, out: 0, names: ['web-1'] },
      servers: [{ name: 'web-1', address: '10.0.0.1:80', ...counters, since: at, check: 'L4CON', left: true }]
    }
  ]
}

const dns: Full<DnsStatus> = {
  ...{ enabled: true, leader: true, dryRun: false, note: 'n', refused: ['10.0.0.1'] },
  records: [
    {
      ...{ name: 'www.example.com', type: 'A', ttl: 60, wanted: ['203.0.113.1'], found: [], zone: 'Z1' },
      ...{ changeId: 'C1', changeStatus: 'PENDING', lastError: problem, lastChecked: ms, note: 'n' }
    }
  ]
}

const reconfiguration: Full<Reconfiguration> = {
  ...{ id: 1, cause: 'c', causedAt: ms, startedAt: ms, plan: 'reload', operations: 1, reasons: ['r'] },
  phases: { render: 1.5, configure: 2, restart: 3 },
  ...{ outcome: 'failed', error: problem, diff: '+ a' }
}

const series = { requests: [1.5], errors4xx: [0], errors5xx: [null], sessions: [1], queue: [null] }
const traffic: Full<TrafficHistory> = {
  at: [ms],
  proxies: [{ name: 'web', side: 'backend', mode: 'http', ...series, latency: [1], latencyMax: [null], usable: [2] }],
  leftOut: 1
}

const pod: PodStatus = { ...makePod(1), lastSeen: ms, expiresAt: ms, held: true, nonce: 'n', payload: { port: 1 } }
const inText = { at, causedAt: at, startedAt: at, lastChecked: at }

describe('an answer with all that it can hold', () => {
  let app: FastifyInstance
  let document: ApiDocument

  beforeAll(async () => {
    app = buildServer({ logger: silentLogger(), access: makeAccess({}) })
    app.setValidatorCompiler(TypeBoxValidatorCompiler)
    await describeApi(app)
    const registry = {
      ...{ pods: () => [pod], pod: () => pod, snapshot: () => takeSnapshot([pod]), heldOf: () => 1, forget: () => true }
    }
    await app.register(podRoutes, { registry, ownApp: 'haproxy' })
    const moves = { goto: async () => {}, wait: async () => settled }
    await app.register(lifecycleRoutes, { lifecycle: { status: () => lifecycle, ...moves } })
    await app.register(haproxyRoutes, { status: async () => haproxy, setServerState: async () => {} })
    await app.register(dnsRoutes, { status: () => dns })
    await app.register(trafficRoutes, { traffic: () => traffic })
    await app.register(healthRoutes, { problems: async () => [problem], findings: () => [problem] })
    const none = async () => undefined
    await app.register(configRoutes, { running: none, candidate: none, reconfigurations: () => [reconfiguration] })
    document = (await app.inject('/openapi.json')).json<ApiDocument>()
  })

  afterAll(() => app.close())

  it.each([
    ['listPods', 'GET', '/api/v1/pods?limit=1', { pods: [{ payload: { port: 1 } }], next: null }],
    ['listApps', 'GET', '/api/v1/apps?limit=1', { apps: [{ held: 1 }], next: null }],
    ['getPod', 'GET', '/api/v1/pods/k', { nonce: 'n' }],
    ['getHosts', 'GET', '/api/v1/hosts', { hosts: { [pod.app]: [pod.ip] } }],
    ['getLifecycle', 'GET', '/api/v1/lifecycle?limit=1', { ...lifecycle, next: null }],
    ['requestTransition', 'POST', '/api/v1/lifecycle/transitions', settled],
    ['getHaproxy', 'GET', '/api/v1/haproxy', haproxy],
    ['getDns', 'GET', '/api/v1/dns', { ...dns, records: [{ ...dns.records[0], ...pick('lastChecked') }] }],
    ['getTraffic', 'GET', '/api/v1/traffic', { ...traffic, at: [at] }],
    ['getReadiness', 'GET', '/readyz', { ready: false, problems: [problem], findings: [problem] }],
    [
      ...['listReconfigurations', 'GET', '/api/v1/reconfigurations?limit=1'],
      { reconfigurations: [{ ...reconfiguration, ...pick('causedAt', 'startedAt') }], next: null }
    ]
  ] as const)('of %s is told whole, and is as described', async (operationId, method, url, whole) => {
    const payload = { state: 'render', wait: true }
    const answer = await app.inject({ method, url, ...(method === 'POST' && { payload }) })

    expect(answer.json()).toMatchObject(whole)
    const operation = operationsOf(document).find((one) => one.operationId === operationId)
    const { schema = {} } = operation?.responses[answer.statusCode]?.content?.['application/json'] ?? {}
    expect(schema).not.toEqual({})
    expect(deviations(document, schema, answer.json())).toEqual([])
    // And would be found to be more than that.
    expect(deviations(document, schema, { ...answer.json<object>(), surplus: 1 })).not.toEqual([])
  })
})

function pick<K extends keyof typeof inText>(...names: K[]): Partial<typeof inText> {
  return Object.fromEntries(names.map((name) => [name, inText[name]]))
}
