import { request } from 'undici'
import {
  deviations,
  operationsOf,
  type ApiDocument,
  type DescribedAnswer,
  type Operation,
  type Parameter
} from './described-schema.ts'

export interface Call {
  /** In place of the examples of the document. */
  readonly parameters?: Readonly<Record<string, string>>
  readonly body?: unknown
  /** Sends what may be left out as well, where the document has an example of it. */
  readonly withOptional?: boolean
  readonly headers?: Readonly<Record<string, string>>
  /** Sent where the operation takes one. */
  readonly token?: string | undefined
}

export interface Answered {
  readonly status: number
  readonly headers: Readonly<Record<string, unknown>>
  /** Parsed, where it is JSON. */
  readonly body: unknown
}

/** A client that knows nothing but the document: where to send what, and what may come back. */
export class DescribedClient {
  readonly operations: ReadonlyMap<string, Operation>
  readonly #document: ApiDocument
  readonly #url: string

  constructor(url: string, document: ApiDocument) {
    this.#url = url
    this.#document = document
    this.operations = new Map(operationsOf(document).map((operation) => [operation.operationId, operation]))
  }

  /**
   * @returns what is answered, when it is as described
   * @throws Error that says what is other than the document has it
   */
  async call(operationId: string, call: Call = {}): Promise<Answered> {
    const operation = this.operations.get(operationId)
    if (operation === undefined) throw new Error(`The document has no ${operationId}`)
    const { path, headers } = placed(operation, call)
    const { type, text } = bodyOf(operation, call)
    const answer = await request(`${this.#url}${path}`, {
      ...{ method: operation.method as 'GET', body: text },
      headers: { ...type, ...headers, ...this.#credential(operation, call), ...call.headers }
    })
    const told = { status: answer.statusCode, headers: answer.headers, type: typeOf(answer.headers) }
    const isEndless = told.type === 'text/event-stream'
    return this.#checked(operation, {
      ...told,
      text: isEndless ? await firstOf(answer.body) : await answer.body.text()
    })
  }

  #credential({ security }: Operation, { token }: Call): Record<string, string> {
    const { securitySchemes } = this.#document.components
    const takesOne = security.flatMap(Object.keys).some((name) => securitySchemes[name]?.scheme === 'bearer')
    return token !== undefined && takesOne ? { authorization: `Bearer ${token}` } : {}
  }

  #checked(operation: Operation, { type, text, ...answer }: Told): Answered {
    const body: unknown = type === 'application/json' && text !== '' ? JSON.parse(text) : text
    const described = operation.responses[answer.status] ?? operation.responses[`${String(answer.status).charAt(0)}XX`]
    const wrong =
      described === undefined
        ? ['the document does not know the status']
        : [...this.#wrongBody(described, type, body), ...missingHeaders(described, answer)]
    if (wrong.length === 0) return { ...answer, body }
    const said = `${operation.operationId} answered ${answer.status} ${type}: ${text.slice(0, 2000)}`
    throw new Error(`${wrong.join('\n')}\n${said}`)
  }

  #wrongBody({ content }: DescribedAnswer, type: string, body: unknown): string[] {
    if (content === undefined) return body === '' ? [] : ['the document knows of no body']
    const schema = content[type]?.schema
    return schema === undefined
      ? ['the document does not know the content type']
      : deviations(this.#document, schema, body)
  }
}

const missingHeaders = (described: DescribedAnswer, { headers }: Omit<Answered, 'body'>): string[] =>
  Object.keys(described.headers ?? {})
    .filter((name) => headers[name.toLowerCase()] === undefined)
    .map((name) => `there is no header ${name}`)

type Told = Omit<Answered, 'body'> & { readonly type: string; readonly text: string }

/** Parameters, each in its place. */
function placed({ path, parameters = [] }: Operation, call: Call) {
  const given = parameters.flatMap((parameter) => {
    const value = valueOf(parameter, call)
    return value === undefined ? [] : [{ ...parameter, value }]
  })
  const of = (place: Parameter['in']) => given.filter((one) => one.in === place)
  const query = new URLSearchParams(pairs(of('query'))).toString()
  const filled = of('path').reduce((url, { name, value }) => url.replace(`{${name}}`, encodeURIComponent(value)), path)
  return {
    path: query === '' ? filled : `${filled}?${query}`,
    headers: Object.fromEntries(pairs(of('header')))
  }
}

const pairs = (given: readonly { name: string; value: string }[]): [string, string][] =>
  given.map(({ name, value }) => [name, value])

function valueOf({ name, required = false, example }: Parameter, call: Call): string | undefined {
  const { parameters = {}, withOptional = false } = call
  if (parameters[name] !== undefined) return parameters[name]
  if (required && example === undefined) throw new Error(`The document has no example of ${name}`)
  return example !== undefined && (required || withOptional) ? String(example) : undefined
}

function bodyOf({ requestBody }: Operation, { body }: Call) {
  const [described] = Object.entries(requestBody?.content ?? {})
  if (described === undefined) return { type: {}, text: null }
  const [type, { example }] = described
  return { type: { 'content-type': type }, text: JSON.stringify(body ?? example) }
}

const typeOf = (headers: Readonly<Record<string, unknown>>): string =>
  /^[^;]*/.exec(typeof headers['content-type'] === 'string' ? headers['content-type'] : '')?.[0] ?? ''

/** Of a stream that does not end. */
async function firstOf(stream: AsyncIterable<Buffer>): Promise<string> {
  for await (const chunk of stream) return chunk.toString()
  return ''
}
