import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { extname } from 'node:path'
import type { FastifyPluginAsync, FastifyReply } from 'fastify'
import type { RouteAccess } from '../auth.ts'
import { textAnswer } from '../description/answers.ts'

export interface DashboardRouteDeps {
  /** Whose control tier it is. */
  app: string
  id: string
}

/** Bundled by "npm run build", beside this file once that is compiled; while it is not, where the build left it. */
const FOLDER = ['../dashboard/', '../../../dist/http/dashboard/']
  .map((path) => new URL(path, import.meta.url))
  .find((folder) => existsSync(new URL('main.js', folder)))

const PAGE = 'page.html'

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml'
}

/**
 * Nothing but our own files, no markup made of text, nobody's frame. What pods say of themselves is on the page, so
 * the browser holds to this even if a script of ours should not.
 */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  ...['script-src', 'style-src', 'img-src', 'connect-src'].map((directive) => `${directive} 'self'`),
  ...['base-uri', 'form-action', 'frame-ancestors'].map((directive) => `${directive} 'none'`),
  "require-trusted-types-for 'script'"
].join('; ')

/** A page that shows what the other routes tell, for people. It holds nothing itself and changes nothing. */
export const dashboardRoutes: FastifyPluginAsync<DashboardRouteDeps> = async (app, owner) => {
  // It holds nothing: what it shows it asks for, with a token where one is wanted.
  const open: RouteAccess = { needs: 'probe' }
  const folder = builtFolder()
  const files = new Map(readdirSync(folder).map((name) => [name, readFileSync(new URL(name, folder))]))
  const page = Buffer.from(fillIn(String(files.get(PAGE)), owner))
  files.delete(PAGE)

  app.get(
    '/',
    {
      config: open,
      schema: {
        operationId: 'getDashboard',
        summary: 'The dashboard, for people',
        tags: ['health'],
        response: { 200: textAnswer('text/html', 'A page') }
      }
    },
    (_request, reply) => sendFile(reply.header('cache-control', 'no-store'), PAGE, page)
  )
  for (const [name, content] of files) {
    app.get(`/dashboard/${name}`, { config: open, schema: { hide: true } }, (_request, reply) =>
      // Kept, but asked about each time: never of another version than the API that it asks.
      sendFile(reply.header('cache-control', 'no-cache'), name, content)
    )
  }
}

function builtFolder(): URL {
  if (FOLDER === undefined) throw new Error('The page is not built: run "npm run build".')
  return FOLDER
}

function sendFile(reply: FastifyReply, name: string, content: Buffer): FastifyReply {
  return reply
    .headers({
      'content-security-policy': CONTENT_SECURITY_POLICY,
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer'
    })
    .type(CONTENT_TYPES[extname(name)] ?? 'application/octet-stream')
    .send(content)
}

/** Puts names in the places that page.html has for them, as text. */
function fillIn(html: string, { app, id }: DashboardRouteDeps): string {
  const values: Readonly<Record<string, string>> = { app, id }
  return html.replace(/\{\{(\w+)\}\}/g, (_place, name: string) => escapeHtml(values[name] ?? ''))
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}
