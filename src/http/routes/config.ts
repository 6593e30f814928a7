import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { KontrolError } from '../../errors.ts'
import { withIsoTimes } from '../../model/iso-time.ts'
import type { Reconfiguration } from '../../model/reconfiguration.ts'
import { nextPage, pageOf, pageQuery } from '../pages.ts'
import { refusal, textAnswer } from '../description/answers.ts'
import { ReconfigurationBody } from '../description/bodies.ts'

interface ConfigurationText {
  text: string
  digest: string
}

export interface ConfigRouteDeps {
  running: () => Promise<ConfigurationText | undefined>
  candidate: () => Promise<ConfigurationText | undefined>
  reconfigurations: () => readonly Reconfiguration[]
}

export const configRoutes: FastifyPluginAsyncTypebox<ConfigRouteDeps> = async (
  app,
  { running, candidate, reconfigurations }
) => {
  app.get(
    '/api/v1/config',
    {
      schema: {
        operationId: 'getConfig',
        summary: 'The configuration that HAProxy runs, or the last one that it was to be given',
        tags: ['haproxy'],
        querystring: Type.Object(
          {
            candidate: Type.Optional(
              Type.String({ description: 'Any value, or none: the last one rendered', examples: [''] })
            )
          },
          { additionalProperties: false }
        ),
        response: { 200: textAnswer('text/plain', 'With its digest as ETag'), 404: refusal('There is none yet') }
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
          200: Type.Object({ reconfigurations: Type.Array(ReconfigurationBody), next: nextPage(Type.Integer()) })
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
