import type { FastifyPluginAsync } from 'fastify'
import { textAnswer } from '../description/answers.ts'

export interface MetricsSource {
  readonly contentType: string
  render(): Promise<string>
}

export const metricsRoutes: FastifyPluginAsync<{ metrics: MetricsSource }> = async (app, { metrics }) => {
  app.get(
    '/metrics',
    {
      schema: {
        operationId: 'getMetrics',
        summary: 'Figures in the text format of Prometheus',
        tags: ['health'],
        response: { 200: textAnswer('text/plain', 'The text format of Prometheus') }
      }
    },
    async (_request, reply) => reply.type(metrics.contentType).send(await metrics.render())
  )
}
