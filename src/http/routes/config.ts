import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { KontrolError } from '../../errors.ts'
import { withIsoTimes } from '../../model/iso-time.ts'
import type { Reconfiguration } from '../../model/reconfiguration.ts'
import { nextPage, pageOf, pageQuery } from '../pages.ts'
import { errorResponses, textResponse } from '../error-handler.ts'

interface ConfigurationText {
  text: string
  digest: string
}

export interface ConfigRouteDeps {
  running: () => Promise<ConfigurationText | undefined>
  candidate: () => Promise<ConfigurationText | undefined>
  reconfigurations: () => readonly Reconfiguration[]
}

const ReconfigurationBody = Type.Object({
  id: Type.Integer(),
  cause: Type.String(),
  causedAt: Type.String({ format: 'date-time', description: 'When the first of its causes happened' }),
  startedAt: Type.String({ format: 'date-time' }),
  plan: Type.Union([Type.Literal('none'), Type.Literal('runtime'), Type.Literal('reload'), Type.Null()]),
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
  outcome: Type.String({ description: 'running, unchanged, applied, reloaded or failed' }),
  error: Type.Union([
    Type.Object({ code: Type.String(), message: Type.String(), hint: Type.Optional(Type.String()) }),
    Type.Null()
  ]),
  diff: Type.String()
})

export const configRoutes: FastifyPluginAsyncTypebox<ConfigRouteDeps> = async (
  app,
  { running, candidate, reconfigurations }
) => {
  app.get(
    '/api/v1/config',
    {
      schema: {
        operationId: 'getConfig',
        summary: 'The configuration that HAProxy runs, or the last one that was rendered',
        tags: ['haproxy'],
        querystring: Type.Object(
          { candidate: Type.Optional(Type.String({ description: 'Any value, or none: the last one rendered' })) },
          { additionalProperties: false }
        ),
        response: { 200: textResponse('text/plain', 'With its digest as ETag'), ...errorResponses }
      }
    },
    async (request, reply) => {
      const wanted = request.query.candidate === undefined ? await running() : await candidate()
      if (wanted === undefined) {
        throw new KontrolError('KTL_NOT_FOUND', 'There is no such configuration yet', {
          hint: 'GET /api/v1/lifecycle tells why: look at lastError.'
        })
      }
      return reply.type('text/plain; charset=utf-8').header('etag', `"${wanted.digest}"`).send(wanted.text)
    }
  )

  app.get(
    '/api/v1/reconfigurations',
    {
      schema: {
        operationId: 'listReconfigurations',
        summary: 'The last 100 rounds, newest last, also those before a restart',
        tags: ['haproxy'],
        querystring: Type.Object(pageQuery(Type.Integer({ description: 'Only those behind the one of this `id`' })), {
          additionalProperties: false
        }),
        response: {
          200: Type.Object({ reconfigurations: Type.Array(ReconfigurationBody), next: nextPage(Type.Integer()) }),
          ...errorResponses
        }
      }
    },
    ({ query }) => {
      const { page, ...next } = pageOf(reconfigurations(), ({ id }) => id, query)
      const shown = page.map((entry) => ({
        ...withIsoTimes(entry, 'causedAt', 'startedAt'),
        reasons: [...entry.reasons]
      }))
      return { reconfigurations: shown, ...next }
    }
  )
}
