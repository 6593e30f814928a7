import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type, type Static } from 'typebox'
import { isoTime } from '../../model/iso-time.ts'
import { TrafficBody } from '../description/bodies.ts'

export interface TrafficRouteDeps {
  /** @param after milliseconds since the epoch: only what was seen later */
  traffic: (after?: number) => Omit<Static<typeof TrafficBody>, 'at'> & { at: number[] }
}

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
              Type.String({
                ...{ format: 'date-time', examples: ['2026-11-22T13:46:45.975Z'] },
                description: 'Only what was seen after this moment'
              })
            )
          },
          { additionalProperties: false }
        ),
        response: { 200: TrafficBody }
      }
    },
    ({ query }) => {
      const { at, proxies, leftOut } = traffic(query.after === undefined ? undefined : Date.parse(query.after))
      return { at: at.map(isoTime), proxies, leftOut }
    }
  )
}
