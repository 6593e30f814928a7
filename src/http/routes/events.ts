import type { ServerResponse } from 'node:http'
import type { FastifyPluginAsync } from 'fastify'
import { callerOf } from '../auth.ts'
import { errorResponses } from '../error-handler.ts'
import type { EventSlots } from '../event-slots.ts'

export interface ProgramEvent {
  /** Name of the event, such as `pod-up`. */
  type: string
  /** Shown as JSON. */
  data: unknown
}

export interface EventRouteDeps {
  subscribe: (listener: (event: ProgramEvent) => void) => () => void
  slots: EventSlots
}

/** A client that reads too slowly is cut off rather than remembered for. */
const MAX_BUFFERED_BYTES = 1024 * 1024
/** Proxies in between close what is silent. */
const HEARTBEAT_MS = 15_000

export const eventRoutes: FastifyPluginAsync<EventRouteDeps> = async (app, { subscribe, slots }) => {
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
    async (request, reply) => {
      const giveBack = slots.take(callerOf(request))
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
        giveBack()
        clients.delete(client)
      })
    }
  )
}

function write(client: ServerResponse, text: string): void {
  if (client.writableLength > MAX_BUFFERED_BYTES) client.destroy()
  else client.write(text)
}
