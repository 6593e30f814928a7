/** The least that takes a keepalive: Fastify, one route, the same schema of its body; it stores nothing. Prints its port. */
import process from 'node:process'
import Fastify from 'fastify'
import { Keepalive } from '../../../dist/model/keepalive.js'

const app = Fastify({ logger: false })
app.put('/ping', { schema: { body: Keepalive } }, async (_request, reply) =>
  reply.code(200).type('text/plain; charset=utf-8').send('')
)
await app.listen({ port: 0, host: '127.0.0.1' })
process.stdout.write(`${app.server.address().port}\n`)
