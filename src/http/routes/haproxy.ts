import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { errorResponses } from '../error-handler.ts'

export interface HaproxyRouteDeps {
  /** Shown as it is; rejects while HAProxy is away. */
  status: () => Promise<unknown>
}

export const haproxyRoutes: FastifyPluginAsyncTypebox<HaproxyRouteDeps> = async (app, { status }) => {
  app.get(
    '/api/v1/haproxy',
    {
      schema: {
        summary: 'The HAProxy process, its old workers, and its proxies with their servers and counters',
        tags: ['haproxy'],
        response: { 200: Type.Unknown(), ...errorResponses }
      }
    },
    () => status()
  )
}
