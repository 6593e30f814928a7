import type { FastifyPluginAsync } from 'fastify'
import { programVersion } from '../../platform/process/program-version.ts'

const versionBody = {
  description: 'As package.json has it, and the Node.js that runs it',
  type: 'object',
  required: ['version', 'node'],
  properties: { version: { type: 'string' }, node: { type: 'string' } }
}

export const versionRoutes: FastifyPluginAsync = async (app) => {
  app.get(
    '/api/v1/version',
    {
      schema: {
        operationId: 'getVersion',
        summary: 'Which program this is',
        tags: ['health'],
        response: { 200: versionBody }
      }
    },
    () => ({ version: programVersion, node: process.versions.node })
  )
}
