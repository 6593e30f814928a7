import { appendFileSync } from 'node:fs'
import { subscribe } from 'node:diagnostics_channel'
import process from 'node:process'

/**
 * Loaded ahead of the program (`node --import`): writes each route that its server is given into ROUTES_FILE, one JSON a
 * line, so that a test knows of those that nobody describes.
 */
subscribe('fastify.initialization', ({ fastify }) => {
  fastify.addHook('onRoute', ({ method, url }) => {
    appendFileSync(process.env.ROUTES_FILE, `${JSON.stringify({ method, url })}\n`)
  })
})
