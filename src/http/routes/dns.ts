import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { errorResponses } from '../error-handler.ts'

export const dnsRoutes: FastifyPluginAsyncTypebox<{ status: () => unknown }> = async (app, { status }) => {
  app.get(
    '/api/v1/dns',
    {
      schema: {
        summary: 'The records wanted and found, the last change and the last error',
        tags: ['dns'],
        response: { 200: Type.Unknown(), ...errorResponses }
      }
    },
    () => status()
  )
}
