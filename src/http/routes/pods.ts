import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type, type Static } from 'typebox'
import { KontrolError } from '../../errors.ts'
import type { Pod, PodStatus } from '../../model/pod.ts'
import { withIsoTimes } from '../../model/iso-time.ts'
import { hostsOf, type Snapshot } from '../../model/snapshot.ts'
import { nextTurn } from '../../platform/turns.ts'
import { stringifyStrictJson } from '../../model/json/json.ts'
import { jsonItems, sendInParts } from '../long-answers.ts'
import { nextPage, pageOf, pageQuery } from '../pages.ts'
import { refusal } from '../description/answers.ts'
import { AppBody, HostsBody, PodBody } from '../description/bodies.ts'

export interface PodRegistry {
  /** In sequence order. */
  pods(): Iterable<PodStatus>
  pod(key: string): PodStatus | undefined
  snapshot(): Snapshot
  /** Pods of an app that are kept although they are silent. */
  heldOf(app: string): number
  forget(key: string): boolean
}

const PodKey = Type.Object({
  key: Type.String({ description: 'Of the pod, as GET /api/v1/pods has it', examples: ['2kce4X'] })
})

const UNKNOWN = refusal('No live pod has this key')

/** Pods looked at between two turns, where nothing is written of them. */
const COUNTED = 5_000

export const podRoutes: FastifyPluginAsyncTypebox<{ registry: PodRegistry; ownApp: string }> = async (
  app,
  { registry, ownApp }
) => {
  app.get(
    '/api/v1/pods',
    {
      schema: {
        operationId: 'listPods',
        summary: 'The live pods in sequence order',
        tags: ['pods'],
        querystring: Type.Object(
          {
            app: Type.Optional(Type.String({ description: 'Only its pods', examples: ['web'] })),
            q: Type.Optional(
              Type.String({
                ...{ maxLength: 256, examples: ['web 127'] },
                description: 'Words, each of which app, id, ip, key or role must contain'
              })
            ),
            ...pageQuery(Type.Integer({ description: 'Only those behind the pod of this `seq`' }))
          },
          { additionalProperties: false }
        ),
        response: { 200: Type.Object({ pods: Type.Array(PodBody), next: nextPage(Type.Integer()) }) }
      }
    },
    async (request, reply) => {
      const wanted = found(registry.pods(), podFilter(request.query))
      const { limit, after = -1 } = request.query
      const { page, next } =
        limit === undefined ? { page: behind(wanted, after) } : pageOf(wanted, seqOf, request.query)
      return await sendInParts(reply, podList(page, next))
    }
  )

  app.get(
    '/api/v1/apps',
    {
      schema: {
        operationId: 'listApps',
        summary: 'The apps, and how many pods each has',
        tags: ['pods'],
        querystring: Type.Object(
          {
            q: Type.Optional(
              Type.String({
                ...{ maxLength: 256, examples: ['web'] },
                description: 'Only pods that match, as GET /api/v1/pods has it'
              })
            ),
            ...pageQuery(Type.String({ description: 'Only those behind the app of this name' }))
          },
          { additionalProperties: false }
        ),
        response: { 200: Type.Object({ apps: Type.Array(AppBody), next: nextPage(Type.String()) }) }
      }
    },
    async ({ query }) => {
      const apps = await appsOf(registry, podFilter({ q: query.q }))
      const { page, ...next } = pageOf(apps, ({ app: name }) => name, query)
      return { apps: page, ...next }
    }
  )

  app.get(
    '/api/v1/pods/:key',
    {
      schema: {
        operationId: 'getPod',
        summary: 'One of the live pods',
        tags: ['pods'],
        params: PodKey,
        response: { 200: Type.Unsafe<unknown>(PodBody), 404: UNKNOWN }
      }
    },
    async ({ params: { key } }, reply) => {
      const pod = registry.pod(key)
      if (pod === undefined) throw unknownPod(key)
      return reply.type('application/json; charset=utf-8').send(stringifyStrictJson(podBody(pod)))
    }
  )

  app.delete(
    '/api/v1/pods/:key',
    {
      schema: {
        operationId: 'forgetPod',
        summary: 'Forgets a pod until its next keepalive',
        tags: ['pods'],
        params: PodKey,
        response: { 204: Type.Null({ description: 'It is forgotten' }), 404: UNKNOWN }
      }
    },
    async (request, reply) => {
      const { key } = request.params
      if (!registry.forget(key)) throw unknownPod(key)
      return reply.code(204).send(null)
    }
  )

  app.get(
    '/api/v1/hosts',
    {
      schema: {
        operationId: 'getHosts',
        summary: 'What a template sees as `hosts`',
        tags: ['pods'],
        response: { 200: HostsBody }
      }
    },
    () => {
      const snapshot = registry.snapshot()
      const hosts = Array.from(hostsOf(snapshot, ownApp), ([name, ips]) => [name, [...ips]])
      return { digest: snapshot.digest, hosts: Object.fromEntries(hosts) as Record<string, string[]> }
    }
  )
}

const unknownPod = (key: string): KontrolError =>
  new KontrolError('KTL_POD_NOT_FOUND', `There is no pod with the key "${key}"`, {
    hint: '"kontrol pods" lists the keys, as GET /api/v1/pods does.'
  })

type PodFilter = (pod: Pod) => boolean

function podFilter({ app, q = '' }: { app?: string | undefined; q?: string | undefined }): PodFilter {
  const words = q.toLowerCase().split(/\s+/).filter(Boolean)
  return (pod) => {
    if (app !== undefined && pod.app !== app) return false
    if (words.length === 0) return true
    const text = `${pod.app} ${pod.id} ${pod.ip} ${pod.key} ${pod.role}`.toLowerCase()
    return words.every((word) => text.includes(word))
  }
}

const seqOf = ({ seq }: PodStatus): number => seq

function* found(pods: Iterable<PodStatus>, wanted: PodFilter): Generator<PodStatus> {
  for (const pod of pods) if (wanted(pod)) yield pod
}

function* behind(pods: Iterable<PodStatus>, after: number): Generator<PodStatus> {
  for (const pod of pods) if (pod.seq > after) yield pod
}

function* podList(pods: Iterable<PodStatus>, next?: number | null): Generator<string> {
  yield '{"pods":['
  yield* jsonItems(pods, (pod) => stringifyStrictJson(podBody(pod)))
  yield next === undefined ? ']}' : `],"next":${next}}`
}

/** By name; without the apps that have no pod which is wanted. */
async function appsOf(registry: PodRegistry, wanted: PodFilter): Promise<Static<typeof AppBody>[]> {
  const apps: Static<typeof AppBody>[] = []
  for (const [app, { pods }] of registry.snapshot().apps) {
    const matching = await countIn(pods, wanted)
    if (matching > 0) apps.push({ app, pods: pods.length, held: registry.heldOf(app), matching })
  }
  return apps.sort((a, b) => (a.app < b.app ? -1 : 1))
}

async function countIn(pods: readonly Pod[], wanted: PodFilter): Promise<number> {
  let count = 0
  for (let at = 0; at < pods.length; at += COUNTED) {
    if (at > 0) await nextTurn()
    for (const pod of pods.slice(at, at + COUNTED)) if (wanted(pod)) count++
  }
  return count
}

function podBody(pod: PodStatus) {
  const { app, id, ip, key, role, seq, nonce = null, payload = null, firstSeen, lastSeen, expiresAt, held } = pod
  const times = withIsoTimes({ firstSeen, lastSeen, expiresAt }, 'firstSeen', 'lastSeen', 'expiresAt')
  return { app, id, ip, key, role, seq, nonce, payload, ...times, held }
}
