import type { ServerResponse } from 'node:http'
import type { FastifyPluginAsync } from 'fastify'
import { isoTime } from '../../model/iso-time.ts'
import { callerOf } from '../auth.ts'
import { refusal, textAnswer } from '../description/answers.ts'
import type { RouteDescription } from '../description/describe-api.ts'
import type { EventHistory, NumberedEvent } from '../event-history.ts'
import type { EventSlots } from '../event-slots.ts'

export interface EventRouteDeps {
  history: EventHistory
  slots: EventSlots
}

/** A client that reads too slowly is cut off rather than remembered for. */
const MAX_BUFFERED_BYTES = 1024 * 1024
/** Proxies in between close what is silent. */
const HEARTBEAT_MS = 15_000
/** Of a client that lost the connection. */
const RETRY_MS = 2_000

const lastEventId = {
  type: 'object',
  properties: {
    'Last-Event-ID': {
      type: 'string',
      description: 'Id of the last event that was seen, or 0: what has happened since is told first',
      examples: ['0']
    }
  }
}

export const eventRoutes: FastifyPluginAsync<EventRouteDeps> = async (app, { history, slots }) => {
  const clients = new Set<ServerResponse>()
  app.addHook('preClose', async () => {
    for (const client of clients) client.end()
  })
  app.addHook('onClose', async () => history.close())

  app.get(
    '/api/v1/events',
    {
      exposeHeadRoute: false,
      config: { headers: lastEventId } satisfies RouteDescription,
      schema: {
        operationId: 'followEvents',
        summary: 'What happens, as Server-Sent Events',
        tags: ['events'],
        response: {
          200: textAnswer('text/event-stream', 'Does not end; docs/http-api.md lists the events'),
          503: refusal('There are too many listeners')
        }
      }
    },
    async (request, reply) => {
      const giveBack = slots.take(callerOf(request))
      reply.hijack()
      const client = reply.raw
      client.writeHead(200, {
        'content-type': 'text/event-stream; charset=utf-8',
        'cache-control': 'no-store',
        // Or nginx would gather them until its buffer is full.
        'x-accel-buffering': 'no'
      })
      client.write(`: connected\nretry: ${RETRY_MS}\n\n${replay(history, request.headers['last-event-id'])}`)
      clients.add(client)
      const unsubscribe = history.subscribe((event) => write(client, textOf(event)))
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

const textOf = ({ id, type, data }: NumberedEvent): string => `id: ${id}\nevent: ${type}\ndata: ${data}\n\n`

/** What a client that has seen an event before has not seen since. */
function replay(history: EventHistory, lastId: string | string[] | undefined): string {
  if (typeof lastId !== 'string' || lastId === '') return ''
  const { missed, events } = history.since(lastId)
  const told = events.map(textOf).join('')
  if (!missed) return told
  // Without an id: whoever is cut off before the rest asks for the same again.
  return `event: missed\ndata: ${JSON.stringify({ at: isoTime(Date.now()) })}\n\n${told}`
}

function write(client: ServerResponse, text: string): void {
  if (client.writableLength > MAX_BUFFERED_BYTES) client.destroy()
  else client.write(text)
}
