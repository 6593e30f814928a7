import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { withIsoTimes } from '../../model/iso-time.ts'
import type { OtherMaster } from '../../model/master.ts'
import { nextPage, pageOf, pageQuery } from '../pages.ts'
import { MasterBody } from '../description/bodies.ts'

export interface MasterRouteDeps {
  /** This one first, the others in no particular order. */
  masters: () => readonly (OtherMaster & { self: boolean })[]
}

export const masterRoutes: FastifyPluginAsyncTypebox<MasterRouteDeps> = async (app, { masters }) => {
  app.get(
    '/api/v1/masters',
    {
      schema: {
        operationId: 'listMasters',
        summary: 'This master and the others of its app that live, with what HAProxy runs there',
        tags: ['masters'],
        querystring: Type.Object(
          { ...pageQuery(Type.String({ description: 'Only those behind the one of this id' })) },
          { additionalProperties: false }
        ),
        response: { 200: Type.Object({ masters: Type.Array(MasterBody), next: nextPage(Type.String()) }) }
      }
    },
    ({ query }) => {
      const all = masters().toSorted((a, b) => (a.id < b.id ? -1 : 1))
      const { page, ...next } = pageOf(all, ({ id }) => id, query)
      return { masters: page.map((master) => withIsoTimes(master, 'heardAt')), ...next }
    }
  )
}
