import { fastify, type FastifyInstance, type FastifySchema, type RouteOptions } from 'fastify'
import { programVersion } from '../../platform/process/program-version.ts'
import type { RouteAccess } from '../auth.ts'
import { negotiateAnswers, type NegotiatedRoute } from '../negotiated-answers.ts'
import { emptyAnswer, problemBody, refusal } from './answers.ts'
import { examples } from './examples.ts'

/** For the `config` of a route: what it takes and reads itself, unchecked by a validator. */
export interface RouteDescription {
  readonly body?: object
  readonly headers?: object
}

const ETAG = {
  ETag: { type: 'string', description: 'Of this answer, to be sent back as If-None-Match; none of a very long list' }
}
const IF_NONE_MATCH = { 'If-None-Match': { type: 'string', description: 'The ETag of an answer that is had already' } }

/** Of every operation, beside those that are its own. */
const REFUSALS = {
  '4xx': refusal('What the request lacks'),
  '5xx': refusal('What is wrong here')
}
const REFUSALS_OF_CALLERS = {
  401: refusal('A credential is missing or unknown', { 'WWW-Authenticate': { type: 'string' } }),
  403: refusal('The caller may not, whatever he sends')
}
const UNCHANGED = { 304: emptyAnswer('The client has it already', ETAG) }

/** Any of them will do; which is wanted, if any, is the operator's to say. */
const ANYBODY_OR_TOKEN = [{ token: [] }, { certificate: [] }, {}]

/** What the document says beside its routes. */
const DOCUMENT = {
  openapi: '3.1.0',
  info: {
    title: 'kontrol-haproxy',
    description: 'The control tier: who is alive, what HAProxy runs, and why.',
    version: programVersion,
    license: { name: 'Apache-2.0', identifier: 'Apache-2.0' }
  },
  servers: [{ url: '/', description: 'The control tier that was asked for this' }],
  tags: [
    { name: 'kontrol', description: "Kontrol's own, as its clients know them" },
    { name: 'health', description: 'Whether all is well, and the figures' },
    { name: 'pods', description: 'Who is alive' },
    { name: 'masters', description: 'The control tiers of the app' },
    { name: 'lifecycle', description: 'The automaton' },
    { name: 'haproxy', description: 'What HAProxy runs' },
    { name: 'dns', description: 'The records that lead to the proxies' },
    { name: 'events', description: 'What happens' }
  ],
  components: {
    schemas: { Problem: problemBody as never },
    securitySchemes: {
      token: {
        type: 'http' as const,
        scheme: 'bearer',
        description: 'A secret of KONTROL_TOKEN, _PING_TOKEN or _READ_TOKEN'
      },
      // OpenAPI 3.1 has it, and the types are those of 3.0.
      certificate: { type: 'mutualTLS', description: 'Where KONTROL_TLS_CLIENT_CA is set' } as never
    }
  }
}

/** GET /openapi.json, gathered from the schemas of the routes that are registered after it. */
export async function describeApi(app: FastifyInstance): Promise<void> {
  const routes: RouteOptions[] = []
  let document: Promise<object> | undefined
  app.addHook('onRoute', (route) => {
    if (route.method !== 'HEAD') routes.push(route)
  })
  await app.register(async (scope) => {
    negotiateAnswers(scope)
    scope.get(
      '/openapi.json',
      {
        schema: {
          operationId: 'getDescription',
          summary: 'This description',
          tags: ['health'],
          response: {
            200: {
              description: 'OpenAPI 3.1 of the routes that this process has',
              ...{ type: 'object', required: ['openapi', 'info', 'paths'], additionalProperties: true }
            }
          }
        }
      },
      () =>
        (document ??= describe(routes).catch((error: unknown) => {
          document = undefined
          throw error
        }))
    )
  })
}

/**
 * In an app of its own, which has no other use: what writes a description is 4 MB of memory, and loaded only where one is asked for.
 */
async function describe(routes: readonly RouteOptions[]): Promise<object> {
  const { default: swagger } = await import('@fastify/swagger')
  const app = fastify({ exposeHeadRoutes: false })
  // Nothing comes in or goes out here, so that no schema has to be compiled.
  app.setValidatorCompiler(() => () => true)
  app.setSerializerCompiler(() => () => '')
  await app.register(swagger, {
    openapi: DOCUMENT,
    transform: ({ schema, url, route }) => ({ url, schema: described(schema, route.config ?? {}) })
  })
  for (const { method, url, schema, config } of routes) {
    app.route({ method, url, ...(schema && { schema }), ...(config && { config }), handler: () => undefined })
  }
  await app.ready()
  const document = app.swagger()
  await app.close()
  return document
}

/** A route as the document has it: with what it takes, what it needs, and each answer there can be. */
function described(schema: FastifySchema, config: object): FastifySchema {
  const { needs, negotiated, body, headers } = config as Partial<RouteAccess & NegotiatedRoute & RouteDescription>
  const isOpen = needs === 'probe'
  const answers = withExamples(schema)
  const response = {
    ...answers,
    ...(negotiated && { 200: { ...answers[200], headers: ETAG }, ...UNCHANGED }),
    ...(!isOpen && REFUSALS_OF_CALLERS),
    ...REFUSALS
  }
  const told = headers ?? (negotiated && { type: 'object', properties: IF_NONE_MATCH })
  return {
    ...{ security: isOpen ? [] : ANYBODY_OR_TOKEN, ...schema, response },
    ...(body !== undefined && { body }),
    ...(told !== undefined && { headers: told })
  }
}

type Answers = Readonly<Record<string, { readonly content?: Readonly<Record<string, object>> }>>

/** The answers of a route, with what a run has printed of each. */
function withExamples({ operationId = '', summary, response = {} }: FastifySchema): Answers {
  const printed: Readonly<Record<string, unknown>> = examples[operationId] ?? {}
  const answers = Object.entries(response as Answers).map(([status, said]) => {
    const answer = { description: summary, ...said }
    const example = printed[status]
    if (example === undefined) return [status, answer]
    const [[type, content] = []] = Object.entries(answer.content ?? {})
    if (type === undefined) return [status, { ...answer, examples: [example] }]
    return [status, { ...answer, content: { [type]: { ...content, example } } }]
  })
  return Object.fromEntries(answers) as Answers
}
