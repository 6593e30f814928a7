import type { FastifyPluginAsync } from 'fastify'
import { withIsoTimes } from '../../model/iso-time.ts'
import { problemRef } from '../description/answers.ts'

export interface DnsRouteDeps {
  /** Shown as it is, but for the times. */
  status: () => { readonly records: readonly { readonly lastChecked?: number | undefined }[] }
}

const addresses = (description: string) => ({ type: 'array', items: { type: 'string' }, description })

const recordBody = {
  type: 'object',
  required: ['name', 'type', 'ttl', 'wanted'],
  properties: {
    name: { type: 'string' },
    type: { type: 'string', enum: ['A', 'AAAA'] },
    ttl: { type: 'integer', description: 'Seconds' },
    wanted: addresses('What it shall hold'),
    found: addresses('What Route53 holds, from the last look or the last change'),
    zone: { type: 'string', description: 'Id of the hosted zone' },
    changeId: { type: 'string', description: 'Of the last change that this process made' },
    changeStatus: { type: 'string', enum: ['PENDING', 'INSYNC'], description: 'INSYNC: all name servers have it' },
    lastError: problemRef,
    lastChecked: { type: 'string', format: 'date-time', description: 'When Route53 was asked last' },
    note: { type: 'string', description: 'What an operator should know although nothing is wrong' }
  }
}

const dnsBody = {
  type: 'object',
  required: ['enabled', 'leader', 'dryRun', 'refused', 'records'],
  properties: {
    enabled: { type: 'boolean', description: 'The pod has the annotation' },
    leader: { type: 'boolean', description: 'This process is the one that writes' },
    dryRun: { type: 'boolean' },
    note: { type: 'string' },
    refused: addresses('Addresses of proxies that route53-networks keeps out of the records'),
    records: { type: 'array', items: recordBody }
  }
}

export const dnsRoutes: FastifyPluginAsync<DnsRouteDeps> = async (app, { status }) => {
  app.get(
    '/api/v1/dns',
    {
      schema: {
        operationId: 'getDns',
        summary: 'The records wanted and found, the last change and the last error',
        tags: ['dns'],
        response: { 200: dnsBody }
      }
    },
    () => {
      const { records, ...rest } = status()
      return { ...rest, records: records.map((record) => withIsoTimes(record, 'lastChecked')) }
    }
  )
}
