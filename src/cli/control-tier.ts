import { request, type Dispatcher } from 'undici'
import { credentialsOf } from './credentials.ts'
import { ownTlsDispatcher, tlsDispatcher } from './tls-dispatcher.ts'
import { catalogue, KontrolError, messageOf, type ErrorCode } from '../errors.ts'
import { parseJson } from '../model/json.ts'

const TIMEOUT_MS = 10_000

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

/** A control tier as its operator asks it. */
export class ControlTier {
  readonly #base: string
  readonly #token: string | undefined
  readonly #dispatcher: Dispatcher | undefined
  readonly #timeoutMs: number

  /**
   * @param timeoutMs for an answer to begin, and between two parts of it
   * @throws KontrolError KTL_CONFIG_INVALID when a file of the credentials cannot be read
   */
  constructor(url: string | undefined, env: NodeJS.ProcessEnv, timeoutMs = TIMEOUT_MS) {
    this.#timeoutMs = timeoutMs
    const { token, tls } = credentialsOf(env)
    this.#token = token
    this.#base = baseOf(url ?? '127.0.0.1', tls === undefined ? 'http' : 'https', env.KONTROL_PORT || '8000')
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
      throw new KontrolError('KTL_REQUEST_REFUSED', `${this.#base} is no control tier: ${path} is not JSON there`, {
        cause,
        hint: 'Check --url, and KONTROL_PORT.'
      })
    }
  }

  /**
   * @throws KontrolError KTL_MASTER_UNREACHABLE when nothing answers, else what it says no with
   */
  async text(method: Method, path: string, body?: unknown, alsoTakes?: number): Promise<string> {
    const response = await this.#send(method, path, body)
    const answer = await response.body.text()
    if (response.statusCode < 400 || response.statusCode === alsoTakes) return answer
    throw refused(this.#base, response.statusCode, answer)
  }

  /**
   * What happens, as it happens, until the signal or the control tier ends it.
   *
   * @throws KontrolError as `text` does
   */
  async *events(signal: AbortSignal): AsyncGenerator<{ type: string; data: string }> {
    const response = await this.#send('GET', '/api/v1/events', undefined, signal)
    if (response.statusCode >= 400) throw refused(this.#base, response.statusCode, await response.body.text())
    let text = ''
    try {
      for await (const chunk of response.body.setEncoding('utf8')) {
        const parts = `${text}${chunk as string}`.split('\n\n')
        text = parts.pop() ?? ''
        for (const part of parts) {
          const [, type, data] = /(?:^|\n)event: (\S+)\ndata: ([^\n]*)$/.exec(part) ?? []
          if (type !== undefined && data !== undefined) yield { type, data }
        }
      }
    } catch (error) {
      if (!signal.aborted) throw unreachable(this.#base, error)
    }
  }

  async #send(method: Method, path: string, body: unknown, signal?: AbortSignal) {
    try {
      return await request(new URL(path, this.#base), {
        method,
        ...(signal !== undefined && { signal }),
        ...(this.#dispatcher !== undefined && { dispatcher: this.#dispatcher }),
        headersTimeout: this.#timeoutMs,
        bodyTimeout: this.#timeoutMs,
        headers: {
          ...(this.#token !== undefined && { authorization: `Bearer ${this.#token}` }),
          ...(body !== undefined && { 'content-type': 'application/json' })
        },
        body: body === undefined ? null : JSON.stringify(body)
      })
    } catch (cause) {
      throw unreachable(this.#base, cause)
    }
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
