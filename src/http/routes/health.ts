import type { FastifyPluginAsync } from 'fastify'
import { errorBody } from '../error-handler.ts'

/** One reason why this process is not ready, as an error body is. */
export interface ReadinessProblem {
  code: string
  message: string
  hint?: string | undefined
}

export interface HealthRouteDeps {
  problems: () => Promise<readonly ReadinessProblem[]>
}

const healthy = { type: 'object', required: ['status'], properties: { status: { const: 'ok' } } }

const readiness = {
  type: 'object',
  required: ['ready', 'problems'],
  properties: { ready: { type: 'boolean' }, problems: { type: 'array', items: errorBody } }
}

export const healthRoutes: FastifyPluginAsync<HealthRouteDeps> = async (app, { problems }) => {
  app.get(
    '/healthz',
    {
      schema: {
        summary: 'The process answers',
        tags: ['health'],
        response: { 200: healthy }
      }
    },
    () => ({ status: 'ok' })
  )

  app.get(
    '/readyz',
    {
      schema: {
        summary: 'The store is reachable, and HAProxy runs with the wanted configuration',
        tags: ['health'],
        response: { 200: readiness, 503: readiness }
      }
    },
    async (_request, reply) => {
      const found = await problems()
      const body = {
        ready: found.length === 0,
        problems: found.map(({ code, message, hint }) => ({ code, message, ...(hint !== undefined && { hint }) }))
      }
      return reply.code(body.ready ? 200 : 503).send(body)
    }
  )
}
