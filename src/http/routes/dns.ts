import type { FastifyPluginAsync } from 'fastify'
import { withIsoTimes } from '../../model/iso-time.ts'
import { errorResponses } from '../error-handler.ts'

export interface DnsRouteDeps {
  /** Shown as it is, but for the times. */
  status: () => { readonly records: readonly { readonly lastChecked?: number | undefined }[] }
}

export const dnsRoutes: FastifyPluginAsync<DnsRouteDeps> = async (app, { status }) => {
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
    () => {
      const { records, ...rest } = status()
      return { ...rest, records: records.map((record) => withIsoTimes(record, 'lastChecked')) }
    }
  )
}
