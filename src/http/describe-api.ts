import swagger from '@fastify/swagger'
import type { FastifyInstance } from 'fastify'
import { negotiateAnswers } from './negotiated-answers.ts'

/** GET /openapi.json, gathered from the schemas of the routes that are registered after it. */
export async function describeApi(app: FastifyInstance): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'kontrol-haproxy',
        description: 'The control tier: who is alive, what HAProxy runs, and why.',
        version: '1'
      }
    }
  })
  await app.register(async (scope) => {
    negotiateAnswers(scope)
    scope.get(
      '/openapi.json',
      { schema: { summary: 'This description', tags: ['health'], response: { 200: {} } } },
      () => app.swagger()
    )
  })
}
