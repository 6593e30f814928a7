import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type, type Static } from 'typebox'
import { refusal } from '../description/answers.ts'
import { HaproxyBody } from '../description/bodies.ts'
import { jsonItems, sendInParts } from '../long-answers.ts'

const ServerChange = Type.Object(
  {
    backend: Type.String({ minLength: 1, maxLength: 1024 }),
    server: Type.String({ minLength: 1, maxLength: 1024, description: 'As GET /api/v1/haproxy names it' }),
    state: Type.Union([Type.Literal('ready'), Type.Literal('drain'), Type.Literal('maint')], {
      description: 'ready takes requests, drain takes none that are new, maint takes none and is not checked'
    })
  },
  { additionalProperties: false, examples: [{ backend: 'web', server: 'web-1', state: 'drain' }] }
)

const StatusQuery = Type.Object(
  {
    proxy: Type.Optional(
      Type.String({ description: 'Only the servers of this section are listed; "" lists none', examples: ['web'] })
    ),
    ip: Type.Optional(
      Type.String({
        description: 'Only servers with one of these addresses are listed: a,b,c',
        examples: ['127.0.0.11,127.0.0.12']
      })
    )
  },
  { additionalProperties: false }
)

export interface HaproxyRouteDeps {
  /** Shown as it is, but for servers that are not wanted; rejects while HAProxy is away. */
  status: () => Promise<Static<typeof HaproxyBody>>
  setServerState: (change: Static<typeof ServerChange>) => Promise<void>
}

type Section = Static<typeof HaproxyBody>['proxies'][number]
type Query = Static<typeof StatusQuery>

const AWAY = refusal('HAProxy does not answer')

export const haproxyRoutes: FastifyPluginAsyncTypebox<HaproxyRouteDeps> = async (app, { status, setServerState }) => {
  app.get(
    '/api/v1/haproxy',
    {
      schema: {
        operationId: 'getHaproxy',
        summary: 'The HAProxy process, its old workers, and its proxies with their servers and counters',
        tags: ['haproxy'],
        querystring: StatusQuery,
        response: { 200: HaproxyBody, 502: AWAY }
      }
    },
    async ({ query }, reply) => await sendInParts(reply, written(await status(), query))
  )

  app.post(
    '/api/v1/haproxy/servers',
    {
      schema: {
        operationId: 'setServerState',
        summary: 'Takes a server out of service by hand, or back into it',
        tags: ['haproxy'],
        body: ServerChange,
        response: {
          ...{ 204: Type.Null({ description: 'It is so' }), 502: AWAY },
          404: refusal('HAProxy has no such server in use')
        }
      }
    },
    async ({ body }, reply) => {
      await setServerState(body)
      return reply.code(204).send(null)
    }
  )
}

function* written({ proxies, ...about }: Static<typeof HaproxyBody>, query: Query): Generator<string> {
  yield `${open(about)},"proxies":[`
  for (const [index, { servers, ...section }] of proxies.entries()) {
    yield `${index === 0 ? '' : ','}${open(section)},"servers":[`
    if (query.proxy === undefined || query.proxy === section.name) {
      yield* jsonItems(wantedOf(servers, query.ip), (server) => JSON.stringify(server))
    }
    yield ']}'
  }
  yield ']}'
}

/** An object whose last member is still to come. */
const open = (members: object): string => JSON.stringify(members).slice(0, -1)

function wantedOf(servers: Section['servers'], ip: string | undefined): Section['servers'] {
  if (ip === undefined) return servers
  const ips = new Set(ip.split(','))
  return servers.filter(({ address }) => ips.has(hostOf(address)))
}

/** Of `10.0.0.1:80` or `[fd00::1]:80`. */
const hostOf = (address: string): string => address.replace(/:\d*$/, '').replace(/^\[|\]$/g, '')
