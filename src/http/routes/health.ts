import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'

/** One reason why this process is not ready, as an error body is. */
export interface ReadinessProblem {
  code: string
  message: string
  hint?: string | undefined
}

export interface HealthRouteDeps {
  problems: () => Promise<readonly ReadinessProblem[]>
}

const Readiness = Type.Object({
  ready: Type.Boolean(),
  problems: Type.Array(Type.Object({ code: Type.String(), message: Type.String(), hint: Type.Optional(Type.String()) }))
})

export const healthRoutes: FastifyPluginAsyncTypebox<HealthRouteDeps> = async (app, { problems }) => {
  app.get(
    '/healthz',
    {
      schema: {
        summary: 'The process answers',
        tags: ['health'],
        response: { 200: Type.Object({ status: Type.Literal('ok') }) }
      }
    },
    () => ({ status: 'ok' as const })
  )

  app.get(
    '/readyz',
    {
      schema: {
        summary: 'The store is reachable, and HAProxy runs with the wanted configuration',
        tags: ['health'],
        response: { 200: Readiness, 503: Readiness }
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
