import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { isoTime } from '../../model/iso-time.ts'
import { errorResponses } from '../error-handler.ts'

/** One value for each moment of `at`; null where it is not known. */
interface TrafficSeries {
  name: string
  side: 'frontend' | 'backend'
  mode: string
  requests: (number | null)[]
  errors4xx: (number | null)[]
  errors5xx: (number | null)[]
  sessions: (number | null)[]
  queue: (number | null)[]
  latency: (number | null)[]
  latencyMax: (number | null)[]
  usable: (number | null)[]
}

export interface TrafficRouteDeps {
  /** @param after milliseconds since the epoch: only what was seen later */
  traffic: (after?: number) => { at: number[]; proxies: TrafficSeries[]; leftOut: number }
}

const values = (description: string) => Type.Array(Type.Union([Type.Number(), Type.Null()]), { description })

const Series = Type.Object({
  name: Type.String(),
  side: Type.Union([Type.Literal('frontend'), Type.Literal('backend')]),
  mode: Type.String({ description: 'http or tcp' }),
  requests: values('Requests a second; sessions a second with mode tcp'),
  errors4xx: values('Answers of 4xx a second'),
  errors5xx: values('Answers of 5xx a second'),
  sessions: values('Sessions at work'),
  queue: values('Requests that wait for a server'),
  latency: values('Average milliseconds of the last 1,024 requests'),
  latencyMax: values('Largest of them since the worker began'),
  usable: values('Servers that take requests; null of a frontend')
})

export const trafficRoutes: FastifyPluginAsyncTypebox<TrafficRouteDeps> = async (app, { traffic }) => {
  app.get(
    '/api/v1/traffic',
    {
      schema: {
        operationId: 'getTraffic',
        summary: 'What went through HAProxy during the last quarter of an hour, each 5 s',
        tags: ['haproxy'],
        querystring: Type.Object(
          {
            after: Type.Optional(
              Type.String({ format: 'date-time', description: 'Only what was seen after this moment' })
            )
          },
          { additionalProperties: false }
        ),
        response: {
          200: Type.Object({
            at: Type.Array(Type.String({ format: 'date-time' }), { description: 'When HAProxy was asked' }),
            proxies: Type.Array(Series, { description: 'One value for each moment; null where it is not known' }),
            leftOut: Type.Integer({ description: 'Frontends and backends beyond the first 200, which are not told' })
          }),
          ...errorResponses
        }
      }
    },
    ({ query }) => {
      const { at, proxies, leftOut } = traffic(query.after === undefined ? undefined : Date.parse(query.after))
      return { at: at.map(isoTime), proxies, leftOut }
    }
  )
}
