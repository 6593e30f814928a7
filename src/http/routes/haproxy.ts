import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type, type Static } from 'typebox'
import { errorResponses } from '../error-handler.ts'

const ServerChange = Type.Object(
  {
    backend: Type.String({ minLength: 1, maxLength: 1024 }),
    server: Type.String({ minLength: 1, maxLength: 1024, description: 'As GET /api/v1/haproxy names it' }),
    state: Type.Union([Type.Literal('ready'), Type.Literal('drain'), Type.Literal('maint')], {
      description: 'ready takes requests, drain takes none that are new, maint takes none and is not checked'
    })
  },
  { additionalProperties: false }
)

const StatusQuery = Type.Object(
  {
    proxy: Type.Optional(Type.String({ description: 'Only the servers of this section are listed; "" lists none' })),
    ip: Type.Optional(Type.String({ description: 'Only servers with one of these addresses are listed: a,b,c' }))
  },
  { additionalProperties: false }
)

interface Server {
  name: string
  /** In HAProxy's words. */
  status: string
  /** With its port. */
  address: string
  /** Its pod has gone: it takes no request. */
  left?: true
}

interface Status {
  proxies: readonly { name: string; servers: readonly Server[] }[]
}

export interface HaproxyRouteDeps {
  /** Shown as it is, but for servers that are not wanted; rejects while HAProxy is away. */
  status: () => Promise<Status>
  setServerState: (change: Static<typeof ServerChange>) => Promise<void>
}

export const haproxyRoutes: FastifyPluginAsyncTypebox<HaproxyRouteDeps> = async (app, { status, setServerState }) => {
  app.get(
    '/api/v1/haproxy',
    {
      schema: {
        operationId: 'getHaproxy',
        summary: 'The HAProxy process, its old workers, and its proxies with their servers and counters',
        tags: ['haproxy'],
        querystring: StatusQuery,
        response: { 200: Type.Unknown(), ...errorResponses }
      }
    },
    async ({ query }) => {
      const now = await status()
      return { ...now, proxies: now.proxies.map((proxy) => withServers(proxy, query)) }
    }
  )

  app.post(
    '/api/v1/haproxy/servers',
    {
      schema: {
        operationId: 'setServerState',
        summary: 'Takes a server out of service by hand, or back into it',
        tags: ['haproxy'],
        body: ServerChange,
        response: { 204: Type.Null({ description: 'It is so' }), ...errorResponses }
      }
    },
    async ({ body }, reply) => {
      await setServerState(body)
      return reply.code(204).send(null)
    }
  )
}

/** Named of those that are down. */
const NAMED = 3

/** A section with those of its servers that are wanted, and how many it has of each kind. */
function withServers<T extends Status['proxies'][number]>(proxy: T, { proxy: wanted, ip }: Static<typeof StatusQuery>) {
  const { name, servers } = proxy
  const ips = ip === undefined ? undefined : new Set(ip.split(','))
  const used = servers.filter(({ left }) => left !== true)
  const down = used.filter(({ status }) => status.startsWith('DOWN'))
  const out = used.filter(({ status }) => !/^(?:DOWN|UP|no check)/.test(status))
  return {
    ...proxy,
    serverCount: {
      ...{ all: used.length, down: down.length, out: out.length },
      names: down.slice(0, NAMED).map((server) => server.name)
    },
    servers: servers.filter(
      ({ address }) => (wanted === undefined || wanted === name) && (ips === undefined || ips.has(hostOf(address)))
    )
  }
}

/** Of `10.0.0.1:80` or `[fd00::1]:80`. */
const hostOf = (address: string): string => address.replace(/:\d*$/, '').replace(/^\[|\]$/g, '')
