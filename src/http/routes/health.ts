import type { FastifyPluginAsync } from 'fastify'
import type { Problem } from '../../errors.ts'
import type { RouteAccess } from '../auth.ts'
import { problemRef } from '../description/answers.ts'

export interface HealthRouteDeps {
  /** Why this process is not ready. */
  problems: () => Promise<readonly Problem[]>
  /** What clients lack all the same. */
  findings: () => readonly Problem[]
}

const healthy = { type: 'object', required: ['status'], properties: { status: { const: 'ok' } } }

const readiness = {
  type: 'object',
  required: ['ready', 'problems', 'findings'],
  properties: {
    ready: { type: 'boolean' },
    problems: { type: 'array', items: problemRef },
    findings: { type: 'array', items: problemRef }
  }
}

export const healthRoutes: FastifyPluginAsync<HealthRouteDeps> = async (app, { problems, findings }) => {
  app.get(
    '/healthz',
    {
      config: { needs: 'probe' } satisfies RouteAccess,
      schema: {
        operationId: 'getHealth',
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
      config: { needs: 'probe' } satisfies RouteAccess,
      schema: {
        operationId: 'getReadiness',
        summary: 'The store is reachable, and HAProxy runs with the wanted configuration',
        tags: ['health'],
        response: {
          200: readiness,
          503: { description: 'Not ready, and why; or this process ends', anyOf: [readiness, problemRef] }
        }
      }
    },
    async (_request, reply) => {
      const found = await problems()
      const body = { ready: found.length === 0, problems: found, findings: findings() }
      return reply.code(body.ready ? 200 : 503).send(body)
    }
  )
}
