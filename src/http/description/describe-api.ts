import swagger from '@fastify/swagger'
import type { FastifyInstance } from 'fastify'
import { programVersion } from '../../platform/process/program-version.ts'
import type { RouteAccess } from '../auth.ts'
import { errorResponses } from '../error-handler.ts'
import { negotiateAnswers } from '../negotiated-answers.ts'

/** For the `config` of a route that reads its body itself: what it takes. */
export interface RouteBody {
  readonly body: object
}

/** Any of them will do; which is wanted, if any, is the operator's to say. */
const ANYBODY_OR_TOKEN = [{ token: [] }, { certificate: [] }, {}]

/** GET /openapi.json, gathered from the schemas of the routes that are registered after it. */
export async function describeApi(app: FastifyInstance): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'kontrol-haproxy',
        description: 'The control tier: who is alive, what HAProxy runs, and why.',
        version: programVersion,
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' }
      },
      servers: [{ url: '/', description: 'The control tier that was asked for this' }],
      tags: [
        { name: 'kontrol', description: "Kontrol's own, as its clients know them" },
        { name: 'health', description: 'Whether all is well, and the figures' },
        { name: 'pods', description: 'Who is alive' },
        { name: 'lifecycle', description: 'The automaton' },
        { name: 'haproxy', description: 'What HAProxy runs' },
        { name: 'dns', description: 'The records that lead to the proxies' },
        { name: 'events', description: 'What happens' }
      ],
      components: {
        securitySchemes: {
          token: {
            type: 'http',
            scheme: 'bearer',
            description: 'A secret of KONTROL_TOKEN, _PING_TOKEN or _READ_TOKEN'
          },
          // OpenAPI 3.1 has it, and the types are those of 3.0.
          certificate: { type: 'mutualTLS', description: 'Where KONTROL_TLS_CLIENT_CA is set' } as never
        }
      }
    },
    transform: ({ schema, url, route }) => {
      const { needs, body } = (route.config ?? {}) as Partial<RouteAccess & RouteBody>
      const security = needs === 'probe' ? [] : ANYBODY_OR_TOKEN
      return { url, schema: { security, ...schema, ...(body !== undefined && { body }) } }
    }
  })
  await app.register(async (scope) => {
    negotiateAnswers(scope)
    scope.get(
      '/openapi.json',
      {
        schema: {
          operationId: 'getDescription',
          summary: 'This description',
          tags: ['health'],
          response: {
            200: {
              description: 'OpenAPI 3.1 of the routes that this process has',
              ...{ type: 'object', required: ['openapi', 'info', 'paths'], additionalProperties: true }
            },
            ...errorResponses
          }
        }
      },
      () => app.swagger()
    )
  })
}
