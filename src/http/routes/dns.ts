import type { FastifyPluginAsync } from 'fastify'
import { errorResponses } from '../error-handler.ts'

export const dnsRoutes: FastifyPluginAsync<{ status: () => unknown }> = async (app, { status }) => {
  app.get(
    '/api/v1/dns',
    {
      schema: {
        operationId: 'getDns',
        summary: 'The records wanted and found, the last change and the last error',
        tags: ['dns'],
        response: { 200: {}, ...errorResponses }
      }
    },
    () => status()
  )
}
