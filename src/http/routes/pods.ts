import { Readable } from 'node:stream'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { KontrolError } from '../../errors.ts'
import type { PodStatus } from '../../model/pod.ts'
import { hostsOf, type Snapshot } from '../../model/snapshot.ts'
import { stringifyStrictJson } from '../../model/json.ts'
import { errorResponses } from '../error-handler.ts'

export interface PodRegistry {
  /** In sequence order. */
  pods(): Iterable<PodStatus>
  snapshot(): Snapshot
  forget(key: string): boolean
}

const PodBody = Type.Object({
  app: Type.String(),
  id: Type.String(),
  ip: Type.String(),
  key: Type.String(),
  role: Type.String(),
  seq: Type.Integer({ description: 'Order of first appearance' }),
  nonce: Type.Union([Type.String(), Type.Null()]),
  payload: Type.Unknown(),
  firstSeen: Type.String({ format: 'date-time' }),
  lastSeen: Type.String({ format: 'date-time' }),
  expiresAt: Type.String({ format: 'date-time' }),
  held: Type.Boolean({ description: 'Kept although silent, as too many went silent at once' })
})

/** Pods written between two turns of the event loop: all of 100,000 at once would block keepalives for 100 ms. */
const SLICE = 500

export const podRoutes: FastifyPluginAsyncTypebox<{ registry: PodRegistry; ownApp: string }> = async (
  app,
  { registry, ownApp }
) => {
  app.get(
    '/api/v1/pods',
    {
      schema: {
        summary: 'The live pods in sequence order',
        tags: ['pods'],
        querystring: Type.Object({ app: Type.Optional(Type.String()) }, { additionalProperties: false }),
        response: { 200: Type.Object({ pods: Type.Array(PodBody) }), ...errorResponses }
      }
    },
    async (request, reply) => {
      const { app: wanted } = request.query
      // What is sent is a stream, which the serializer of the schema does not touch.
      return reply
        .type('application/json; charset=utf-8')
        .send(Readable.from(podList(registry.pods(), wanted)) as never)
    }
  )

  app.delete(
    '/api/v1/pods/:key',
    {
      schema: {
        summary: 'Forgets a pod until its next keepalive',
        tags: ['pods'],
        params: Type.Object({ key: Type.String() }),
        response: { 204: Type.Null(), ...errorResponses }
      }
    },
    async (request, reply) => {
      const { key } = request.params
      if (!registry.forget(key)) {
        throw new KontrolError('KTL_POD_NOT_FOUND', `There is no pod with the key "${key}"`, {
          hint: 'GET /api/v1/pods lists the keys.'
        })
      }
      return reply.code(204).send(null)
    }
  )

  app.get(
    '/api/v1/hosts',
    {
      schema: {
        summary: 'What a template sees as `hosts`',
        tags: ['pods'],
        response: {
          200: Type.Object({
            digest: Type.String(),
            hosts: Type.Record(Type.String(), Type.Array(Type.String()))
          }),
          ...errorResponses
        }
      }
    },
    () => {
      const snapshot = registry.snapshot()
      const hosts = Array.from(hostsOf(snapshot, ownApp), ([name, ips]) => [name, [...ips]])
      return { digest: snapshot.digest, hosts: Object.fromEntries(hosts) as Record<string, string[]> }
    }
  )
}

async function* podList(pods: Iterable<PodStatus>, app: string | undefined): AsyncGenerator<string> {
  let slice: string[] = []
  let separator = '{"pods":['
  for (const pod of pods) {
    if (app !== undefined && pod.app !== app) continue
    slice.push(stringifyStrictJson(podBody(pod)))
    if (slice.length < SLICE) continue
    yield separator + slice.join(',')
    separator = ','
    slice = []
    await nextTurn()
  }
  yield (slice.length > 0 || separator !== ',' ? separator : '') + slice.join(',') + ']}'
}

function podBody(pod: PodStatus) {
  const { app, id, ip, key, role, seq, nonce = null, payload = null, firstSeen, lastSeen, expiresAt, held } = pod
  return {
    app,
    id,
    ip,
    key,
    role,
    seq,
    nonce,
    payload,
    firstSeen: iso(firstSeen),
    lastSeen: iso(lastSeen),
    expiresAt: iso(expiresAt),
    held
  }
}

const iso = (ms: number): string => new Date(ms).toISOString()
