import type { ServerResponse } from 'node:http'
import type { FastifyPluginAsync } from 'fastify'
import { KontrolError } from '../../errors.ts'
import { errorResponses } from '../error-handler.ts'

export interface ProgramEvent {
  /** Name of the event, such as `pod-up`. */
  type: string
  /** Shown as JSON. */
  data: unknown
}

export interface EventRouteDeps {
  subscribe: (listener: (event: ProgramEvent) => void) => () => void
}

const MAX_CLIENTS = 100
/** A client that reads too slowly is cut off rather than remembered for. */
const MAX_BUFFERED_BYTES = 1024 * 1024
/** Proxies in between close what is silent. */
const HEARTBEAT_MS = 15_000

export const eventRoutes: FastifyPluginAsync<EventRouteDeps> = async (app, { subscribe }) => {
  const clients = new Set<ServerResponse>()
  app.addHook('preClose', async () => {
    for (const client of clients) client.end()
  })

  app.get(
    '/api/v1/events',
    {
      schema: {
        summary: 'What happens, as Server-Sent Events',
        tags: ['events'],
        response: { 200: { type: 'string', description: 'text/event-stream' }, ...errorResponses }
      }
    },
    async (_request, reply) => {
      if (clients.size >= MAX_CLIENTS) {
        throw new KontrolError('KTL_QUEUE_FULL', `There are ${MAX_CLIENTS} listeners already`, {
          hint: 'Close one of them, or ask GET /api/v1/reconfigurations now and then.'
        })
      }
      reply.hijack()
      const client = reply.raw
      client.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-store' })
      client.write(': connected\n\n')
      clients.add(client)
      const unsubscribe = subscribe(({ type, data }) =>
        write(client, `event: ${type}\ndata: ${JSON.stringify(data)}\n\n`)
      )
      const heartbeat = setInterval(() => write(client, ': alive\n\n'), HEARTBEAT_MS)
      client.once('close', () => {
        clearInterval(heartbeat)
        unsubscribe()
        clients.delete(client)
      })
    }
  )
}

function write(client: ServerResponse, text: string): void {
  if (client.writableLength > MAX_BUFFERED_BYTES) client.destroy()
  else client.write(text)
}
