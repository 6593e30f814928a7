import { request, type Dispatcher } from 'undici'
import { credentialsOf } from './credentials.ts'
import { ownTlsDispatcher, tlsDispatcher } from './tls-dispatcher.ts'
import { KontrolError } from '../errors.ts'
import { parseJson } from '../model/json.ts'

const TIMEOUT_MS = 10_000

/** Options that every command which asks a control tier has. */
export const controlTierOptions = {
  url: { type: 'string' },
  json: { type: 'boolean', default: false }
} as const

export const controlTierOptionDocs = {
  url: 'Address of the control tier (default: 127.0.0.1:$KONTROL_PORT, by https when KONTROL_TLS_CERT is set)',
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
    this.#base = url ?? `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${env.KONTROL_PORT ?? '8000'}`
    if (tls !== undefined) this.#dispatcher = url === undefined ? ownTlsDispatcher(tls) : tlsDispatcher(tls)
  }

  async get<T>(path: string): Promise<T> {
    return parseJson(await this.text('GET', path)) as T
  }

  /**
   * @throws KontrolError KTL_MASTER_UNREACHABLE when nothing answers, KTL_REQUEST_REFUSED with its own words when it says no
   */
  async text(method: 'GET' | 'PUT' | 'POST' | 'DELETE', path: string, body?: unknown): Promise<string> {
    const response = await this.#send(method, path, body)
    const answer = await response.body.text()
    if (response.statusCode < 400) return answer
    throw refused(response.statusCode, answer)
  }

  async #send(method: 'GET' | 'PUT' | 'POST' | 'DELETE', path: string, body: unknown) {
    try {
      return await request(new URL(path, this.#base), {
        method,
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
      throw new KontrolError(
        'KTL_MASTER_UNREACHABLE',
        `No control tier answers at ${this.#base}: ${(cause as Error).message}`,
        {
          cause,
          hint: 'Pass --url, or start one with "kontrol run".'
        }
      )
    }
  }
}

function refused(status: number, answer: string): KontrolError {
  try {
    const { code, message, hint } = JSON.parse(answer) as { code: string; message: string; hint?: string }
    return new KontrolError('KTL_REQUEST_REFUSED', `${code}: ${message}`, { ...(hint !== undefined && { hint }) })
  } catch {
    return new KontrolError('KTL_REQUEST_REFUSED', `The control tier answered ${status}: ${answer.slice(0, 200)}`)
  }
}
