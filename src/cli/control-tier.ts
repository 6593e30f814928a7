import { request, type Dispatcher } from 'undici'
import { credentialsOf } from './credentials.ts'
import type { CliContext } from './command.ts'
import { withProgress } from './output/progress.ts'
import { ownTlsDispatcher, tlsDispatcher } from './tls-dispatcher.ts'
import { catalogue, KontrolError, messageOf, type ErrorCode } from '../errors.ts'
import { parseJson } from '../model/json/json.ts'
import { linesWithin, textWithin } from '../platform/network/bounded-stream.ts'

const TIMEOUT_MS = 10_000
/** More than any page of a list, or any event: who answers may be no control tier. */
const MAX_ANSWER_BYTES = 256 * 1024 * 1024
const MAX_EVENT_BYTES = 16 * 1024 * 1024

type Method = 'GET' | 'PUT' | 'POST' | 'DELETE'

/** Options that every command which asks a control tier has. */
export const controlTierOptions = {
  url: { type: 'string' },
  json: { type: 'boolean', default: false }
} as const

export const controlTierOptionDocs = {
  url: 'Control tier: a URL, host:port or host (default: 127.0.0.1:$KONTROL_PORT, by https when KONTROL_TLS_CERT is set)',
  json: 'Print what it answers as JSON'
} as const

/** Who asks: with what, until when, and where to show that it takes long. */
type Asking = Pick<CliContext, 'env'> & Partial<Pick<CliContext, 'signal' | 'progress'>>

interface Patience {
  /** For an answer to begin, and between two parts of it. */
  timeoutMs?: number
  /** What is waited for, as it is shown when that takes long. */
  waitsFor?: () => Promise<string>
}

interface Event {
  type: string
  /** JSON. */
  data: string
}

interface Listening {
  /** Called once nothing is missed any more. */
  listening: () => void
  /** Event behind which to begin, with what is remembered; all of that with `0`. */
  afterId: string | undefined
}

/** A control tier as its operator asks it. */
export class ControlTier {
  /** Its URL. */
  readonly base: string
  readonly #token: string | undefined
  readonly #dispatcher: Dispatcher | undefined
  readonly #timeoutMs: number
  readonly #asking: Asking
  readonly #waitsFor: () => string | Promise<string>

  /** @throws KontrolError KTL_CONFIG_INVALID when a file of the credentials cannot be read */
  constructor(url: string | undefined, asking: Asking, { timeoutMs = TIMEOUT_MS, waitsFor }: Patience = {}) {
    const { env } = asking
    this.#asking = asking
    this.#timeoutMs = timeoutMs
    this.#waitsFor = waitsFor ?? (() => `Waiting for ${this.base},`)
    const { token, tls } = credentialsOf(env)
    this.#token = token
    this.base = baseOf(url ?? '127.0.0.1', tls === undefined ? 'http' : 'https', env.KONTROL_PORT || '8000')
    if (tls !== undefined) this.#dispatcher = url === undefined ? ownTlsDispatcher(tls) : tlsDispatcher(tls)
  }

  /**
   * @param alsoTakes a status from 400 up whose answer is one to be shown
   * @throws KontrolError as `text` does, and KTL_REQUEST_REFUSED for an answer that is no JSON
   */
  async get<T>(path: string, alsoTakes?: number): Promise<T> {
    const answer = await this.text('GET', path, undefined, alsoTakes)
    try {
      return parseJson(answer) as T
    } catch (cause) {
      throw new KontrolError('KTL_REQUEST_REFUSED', `${this.base} is no control tier: ${path} is not JSON there`, {
        cause,
        hint: 'Check --url, and KONTROL_PORT.'
      })
    }
  }

  /**
   * @throws KontrolError KTL_MASTER_UNREACHABLE when nothing answers, else what it says no with; the reason of the signal
   * when the user ends it
   */
  async text(method: Method, path: string, body?: unknown, alsoTakes?: number): Promise<string> {
    const { response, answer } = await withProgress(this.#asking, this.#waitsFor, this.#exchange(method, path, body))
    if (response.statusCode < 400 || response.statusCode === alsoTakes) return answer
    throw refused(this.base, response.statusCode, answer)
  }

  /**
   * What happens, as it happens, until the user or the control tier ends it.
   *
   * @throws KontrolError as `text` does
   */
  async *events({ listening, afterId }: Listening): AsyncGenerator<Event> {
    try {
      const response = await this.#send('GET', '/api/v1/events', undefined, afterId)
      if (response.statusCode >= 400) throw refused(this.base, response.statusCode, await this.#bodyOf(response))
      listening()
      let type: string | undefined
      for await (const line of linesWithin(response.body, MAX_EVENT_BYTES)) {
        if (line.startsWith('event: ')) type = line.slice('event: '.length)
        else if (type !== undefined && line.startsWith('data: ')) yield { type, data: line.slice('data: '.length) }
      }
    } catch (error) {
      if (this.#asking.signal?.aborted === true) return
      throw error instanceof KontrolError ? error : unreachable(this.base, error)
    }
  }

  async #exchange(method: Method, path: string, body: unknown) {
    const response = await this.#send(method, path, body)
    return { response, answer: await this.#bodyOf(response) }
  }

  async #bodyOf({ body }: Dispatcher.ResponseData): Promise<string> {
    return await textWithin(body, MAX_ANSWER_BYTES).catch((cause: unknown) => this.#fail(cause))
  }

  async #send(method: Method, path: string, body: unknown, afterId?: string) {
    const { signal } = this.#asking
    return await request(new URL(path, this.base), {
      method,
      ...(signal !== undefined && { signal }),
      ...(this.#dispatcher !== undefined && { dispatcher: this.#dispatcher }),
      headersTimeout: this.#timeoutMs,
      bodyTimeout: this.#timeoutMs,
      headers: {
        ...(this.#token !== undefined && { authorization: `Bearer ${this.#token}` }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...(afterId !== undefined && { 'last-event-id': afterId })
      },
      body: body === undefined ? null : JSON.stringify(body)
    }).catch((cause: unknown) => this.#fail(cause))
  }

  #fail(cause: unknown): never {
    this.#asking.signal?.throwIfAborted()
    throw unreachable(this.base, cause)
  }
}

const unreachable = (base: string, cause: unknown): KontrolError =>
  new KontrolError('KTL_MASTER_UNREACHABLE', `No control tier answers at ${base}: ${messageOf(cause)}`, {
    cause,
    hint: 'Pass --url, or start one with "kontrol run".'
  })

/** @throws KontrolError KTL_USAGE for what is no address */
function baseOf(address: string, protocol: 'http' | 'https', port: string): string {
  if (/^https?:\/\//.test(address) && URL.canParse(address)) return address
  const [, host, own] = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::(\d{1,5}))?\/?$/i.exec(address) ?? []
  const url = `${protocol}://${host ?? ''}:${own ?? port}`
  if (host !== undefined && URL.canParse(url)) return url
  throw new KontrolError('KTL_USAGE', `"${address}" is no address of a control tier`, {
    hint: 'Write http://host:port, https://host:port, host:port or host.'
  })
}

/** Its own error, where it is one that this program knows. */
function refused(base: string, status: number, answer: string): KontrolError {
  const { code, message, hint } = problemIn(answer) ?? {}
  if (typeof code === 'string' && typeof message === 'string') {
    const details = typeof hint === 'string' ? { hint } : {}
    if (Object.hasOwn(catalogue, code)) return new KontrolError(code as ErrorCode, message, details)
    return new KontrolError('KTL_REQUEST_REFUSED', `${code}: ${message}`, details)
  }
  const words = answer.trim().replace(/\s+/g, ' ').slice(0, 100)
  return new KontrolError('KTL_REQUEST_REFUSED', `${base} answered ${status}${words === '' ? '' : `: ${words}`}`, {
    hint: 'Check --url: is it a control tier?'
  })
}

function problemIn(answer: string): Record<string, unknown> | undefined {
  try {
    const body: unknown = JSON.parse(answer)
    return typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}
