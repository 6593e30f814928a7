import { Type } from 'typebox'
import type { Problem } from '../../errors.ts'
import { problemRef } from './answers.ts'

// What operators are answered. The page takes its types from here, so that it expects nothing else.

const time = (description: string) => Type.String({ format: 'date-time', description })
const orNull = <T extends Parameters<typeof Type.Union>[0][number]>(schema: T) => Type.Union([schema, Type.Null()])
const oneOf = <T extends string>(values: readonly T[], description?: string) =>
  Type.Unsafe<T>({ type: 'string', enum: values, ...(description !== undefined && { description }) })
/** Not by `patternProperties`, as a Type.Record() has it, which few generators of clients know. */
const mapOf = <T>(items: object, description: string) =>
  Type.Unsafe<Record<string, T>>({ type: 'object', additionalProperties: items, description })
const ProblemBody = Type.Unsafe<Problem>(problemRef)

export const PodBody = Type.Object({
  app: Type.String(),
  id: Type.String(),
  ip: Type.String(),
  key: Type.String(),
  role: Type.String(),
  seq: Type.Integer({ description: 'Order of first appearance' }),
  nonce: orNull(Type.String()),
  payload: Type.Unknown({ description: 'Any JSON' }),
  firstSeen: time('When its first keepalive came'),
  lastSeen: time('When its last keepalive came'),
  expiresAt: time('When it is gone unless another comes'),
  held: Type.Boolean({ description: 'Kept although silent, as too many went silent at once' })
})

export const AppBody = Type.Object({
  app: Type.String(),
  pods: Type.Integer(),
  held: Type.Integer({ description: 'Of them, kept although silent' }),
  matching: Type.Integer({ description: 'Of them, those that `q` finds' })
})

export const MasterBody = Type.Object({
  id: Type.String({ description: 'Of its pod' }),
  ip: Type.String(),
  version: Type.String({ description: 'Of its program' }),
  self: Type.Boolean({ description: 'The one that answers' }),
  leading: Type.Boolean({ description: 'The one that expires pods, runs the callback and writes DNS' }),
  config: orNull(Type.String({ description: 'SHA-256, in hex, of the text that its HAProxy runs; null: not known' })),
  problems: Type.Array(Type.String(), { description: 'Codes of what GET /readyz tells there' }),
  heardAt: time('When it said so last')
})

export const HostsBody = Type.Object({
  digest: Type.String({ description: 'Of all pods' }),
  hosts: mapOf<string[]>({ type: 'array', items: { type: 'string' } }, 'Addresses by app')
})

export const ReconfigurationBody = Type.Object({
  id: Type.Integer(),
  cause: Type.String(),
  causedAt: time('When the first of its causes happened'),
  startedAt: time('When its first phase began'),
  plan: orNull(oneOf(['none', 'runtime', 'reload'])),
  operations: Type.Integer({ description: 'Runtime operations carried out' }),
  reasons: Type.Array(Type.String(), { description: 'Why a reload was needed' }),
  phases: Type.Object(
    {
      render: Type.Optional(Type.Number()),
      configure: Type.Optional(Type.Number()),
      restart: Type.Optional(Type.Number())
    },
    { description: 'Milliseconds' }
  ),
  outcome: oneOf(['running', 'unchanged', 'applied', 'reloaded', 'failed']),
  error: orNull(ProblemBody),
  diff: Type.String({ description: 'Of the configuration, shortened when it is long' })
})

const counters = {
  status: Type.String({ description: 'In the words of HAProxy' }),
  sessions: Type.Integer({ description: 'At work' }),
  totalSessions: Type.Integer({ description: 'Since the worker began' }),
  bytesIn: Type.Integer(),
  bytesOut: Type.Integer()
}

const ServerBody = Type.Object({
  name: Type.String(),
  address: Type.String({ description: 'With its port' }),
  ...counters,
  since: Type.Optional(
    time('Since when it is UP, DOWN, MAINT …, within two seconds; absent where HAProxy does not tell')
  ),
  check: Type.Optional(
    Type.String({
      description:
        'What its checks found last, in the words of HAProxy and of the pod: its code, then a text, as `L4CON, Connection refused`; absent where nothing is checked'
    })
  ),
  left: Type.Optional(Type.Literal(true, { description: 'Its pod has gone: it takes no request' }))
})

export const HaproxyBody = Type.Object({
  version: Type.String(),
  pid: Type.Integer({ description: 'Of the master' }),
  uptimeSeconds: Type.Integer(),
  reloads: Type.Integer({ description: 'Since the master began, failed ones included' }),
  workerPid: Type.Optional(Type.Integer({ description: 'Of the worker that serves' })),
  oldWorkers: Type.Array(
    Type.Object({
      pid: Type.Integer(),
      uptimeSeconds: Type.Integer(),
      connections: Type.Optional(Type.Integer())
    }),
    { description: 'Of former reloads, which still have connections' }
  ),
  problems: Type.Array(ProblemBody, { description: 'Why HAProxy does not run what it should' }),
  proxies: Type.Array(
    Type.Object({
      name: Type.String(),
      frontend: Type.Optional(Type.Object(counters)),
      backend: Type.Optional(
        Type.Object({ ...counters, usableServers: Type.Integer({ description: 'Servers that take requests' }) })
      ),
      servers: Type.Array(ServerBody),
      serverCount: Type.Object({
        all: Type.Integer({ description: 'Without those whose pods have gone' }),
        down: Type.Integer(),
        out: Type.Integer({ description: 'In maintenance or drain' }),
        names: Type.Array(Type.String(), { description: 'The first three that are down' })
      })
    }),
    { description: 'Frontends, backends and sections that are both' }
  )
})

const figures = (description: string) => Type.Array(orNull(Type.Number()), { description })

export const TrafficBody = Type.Object({
  at: Type.Array(time('When HAProxy was asked')),
  proxies: Type.Array(
    Type.Object({
      name: Type.String(),
      side: oneOf(['frontend', 'backend']),
      mode: Type.String({ description: 'http or tcp' }),
      requests: figures('Requests a second; sessions a second with mode tcp'),
      errors4xx: figures('Answers of 4xx a second'),
      errors5xx: figures('Answers of 5xx a second'),
      sessions: figures('Sessions at work'),
      queue: figures('Requests that wait for a server'),
      latency: figures('Average milliseconds of the last 1,024 requests'),
      latencyMax: figures('Largest of them since the worker began'),
      usable: figures('Servers that take requests; null of a frontend')
    }),
    { description: 'One value for each moment; null where it is not known' }
  ),
  leftOut: Type.Integer({ description: 'Frontends and backends beyond the first 200, which are not told' })
})

export const LifecycleStatus = Type.Object({
  state: Type.String(),
  since: time('When the state was entered'),
  running: Type.Boolean({ description: 'Whether the step of the state is at work' }),
  queue: Type.Array(
    Type.Object({
      tag: Type.String(),
      input: Type.String({ description: 'Its first 200 characters' }),
      queuedAt: time('When it was asked for')
    }),
    { description: 'Transitions that wait' }
  ),
  lastError: orNull(
    Type.Object({
      code: Type.String(),
      message: Type.String(),
      hint: Type.Optional(Type.String()),
      at: time('When it happened'),
      state: Type.String({ description: 'Whose step failed' })
    })
  ),
  states: Type.Array(
    Type.Object({
      tag: Type.String(),
      kind: oneOf(['shell', 'action', 'none']),
      force: Type.Boolean(),
      terminal: Type.Boolean(),
      on: mapOf<string>({ type: 'string' }, 'Where the machine goes by itself, by outcome'),
      next: Type.Immutable(Type.Array(Type.String(), { description: 'What may be asked for from here' }))
    }),
    { description: 'The manifest' }
  ),
  history: Type.Array(
    Type.Object({
      id: Type.Integer(),
      tag: Type.String(),
      input: Type.String({ description: 'Its first 200 characters' }),
      startedAt: time('When the step began'),
      ms: Type.Integer(),
      outcome: Type.String(),
      error: Type.Optional(ProblemBody)
    }),
    { description: 'The last hundred steps, oldest first' }
  )
})

export const SettledBody = Type.Object({
  state: Type.String({ description: 'Where the machine is at rest' }),
  outcome: Type.String({ description: 'Of the last step that had something to do' }),
  error: Type.Optional(ProblemBody)
})
