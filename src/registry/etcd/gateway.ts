import type { Dispatcher, Pool } from 'undici'
import { messageOf } from '../../errors.ts'
import { textWithin } from '../../platform/network/bounded-stream.ts'
import { readPlainFile, SMALL_FILE_BYTES } from '../../platform/files/plain-file.ts'
import { REASON_LENGTH } from './wire.ts'

/** How etcd knows us, and we it. */
export interface EtcdAccess {
  user?: string | undefined
  /** Read at each login, so that it may be replaced. */
  passwordFile?: string | undefined
  /** Files with PEM; read when a session begins, so that they may be replaced too. */
  ca?: string | undefined
  cert?: string | undefined
  key?: string | undefined
}

/** A refusal by etcd itself, with the code of gRPC. */
class EtcdRefusal extends Error {
  readonly code: number

  constructor(message: string, code: number) {
    super(message)
    this.code = code
  }
}

/** Every single request. Slow is not lost: a second each way, and a cluster that is choosing a leader, fit in. */
export const REQUEST_TIMEOUT_MS = 5000
/** Between two login attempts etcd has forgotten nothing, so the second refusal is meant. */
const UNAUTHENTICATED = 16
const INVALID_ARGUMENT = 3
/** A listing has 500 pods a page, of 32 KiB of payload at most, in base64. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024
const MAX_CONNECTIONS = 40
/** It goes along with each request. */
const TOKEN = /^[!-~]{1,8192}$/

/**
 * etcd's JSON gateway (`/v3/…`), which is part of every member: gRPC's messages
 * as JSON, bytes in base64, 64-bit numbers as text, and what is zero left out.
 */
export class EtcdGateway {
  readonly #pool: Pool
  readonly #access: EtcdAccess
  #token: Promise<string> | undefined

  private constructor(pool: Pool, access: EtcdAccess) {
    this.#pool = pool
    this.#access = access
  }

  /** Connects at the first request. */
  static async create(host: string, access: EtcdAccess): Promise<EtcdGateway> {
    const read = async (path: string | undefined) =>
      path === undefined ? undefined : readPlainFile(path, SMALL_FILE_BYTES)
    const [ca, cert, key] = await Promise.all([read(access.ca), read(access.cert), read(access.key)])
    const tls = {
      ...(ca !== undefined && { ca }),
      ...(cert !== undefined && { cert }),
      ...(key !== undefined && { key })
    }
    // Megabytes, which a master without etcd does without.
    const { Pool } = await import('undici')
    const pool = new Pool(host, {
      connections: MAX_CONNECTIONS,
      connect: { timeout: REQUEST_TIMEOUT_MS, ...tls },
      // A request waits for its answer alone: behind a slow one it would be slow too.
      pipelining: 1
    })
    return new EtcdGateway(pool, access)
  }

  /** @throws EtcdRefusal, or whatever keeps an answer from coming */
  async ask(path: string, body: object): Promise<unknown> {
    // All of it, from the wait for a free connection to the end of the body.
    const signal = AbortSignal.timeout(REQUEST_TIMEOUT_MS)
    try {
      return await this.#withToken(async (headers) => this.#answer(await this.#send(path, body, headers, signal)))
    } catch (error) {
      if (!signal.aborted) throw error
      throw new Error(`etcd did not answer ${path} within ${REQUEST_TIMEOUT_MS / 1000} s`, { cause: error })
    }
  }

  /** The answer as a stream, which `signal` ends. */
  async open(path: string, body: object, signal: AbortSignal): Promise<AsyncIterable<Buffer>> {
    return this.#withToken(async (headers) => {
      const response = await this.#send(path, body, headers, signal)
      if (response.statusCode !== 200) await this.#answer(response)
      return response.body as AsyncIterable<Buffer>
    })
  }

  close(): void {
    this.#pool.destroy().catch(() => {
      // Nothing is left to close.
    })
  }

  async #send(
    path: string,
    body: object,
    headers: Record<string, string>,
    signal: AbortSignal
  ): Promise<Dispatcher.ResponseData> {
    return this.#pool.request({
      method: 'POST',
      path,
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
      signal,
      headersTimeout: REQUEST_TIMEOUT_MS,
      // A watch may be silent for long; all else has its signal.
      bodyTimeout: 0
    })
  }

  async #answer({ statusCode, body }: Dispatcher.ResponseData): Promise<unknown> {
    const text = await textWithin(body, MAX_ANSWER_BYTES)
    const answer = parse(text)
    if (statusCode === 200) return answer
    const { message, error, code } = (answer ?? {}) as Record<string, unknown>
    const reason = [message, error].find((said) => typeof said === 'string') ?? `etcd answered ${statusCode}: ${text}`
    throw new EtcdRefusal(reason.slice(0, REASON_LENGTH), Number(code ?? 0))
  }

  /** A token lives some minutes after its last use, and no longer than the member that gave it. */
  async #withToken<T>(work: (headers: Record<string, string>) => Promise<T>): Promise<T> {
    if (this.#access.user === undefined) return work({})
    const token = (this.#token ??= this.#login(this.#access.user))
    try {
      return await work({ authorization: await token })
    } catch (error) {
      if (this.#token === token) this.#token = undefined
      if (!isStaleToken(error)) throw error
    }
    return work({ authorization: await (this.#token ??= this.#login(this.#access.user)) })
  }

  async #login(name: string): Promise<string> {
    const { passwordFile } = this.#access
    const password = passwordFile === undefined ? '' : (await readPlainFile(passwordFile, SMALL_FILE_BYTES)).trim()
    const signal = AbortSignal.timeout(REQUEST_TIMEOUT_MS)
    try {
      const answer = await this.#answer(await this.#send('/v3/auth/authenticate', { name, password }, {}, signal))
      const { token } = (answer ?? {}) as { token?: unknown }
      if (typeof token !== 'string' || !TOKEN.test(token)) throw new Error('it answered without a token')
      return token
    } catch (cause) {
      // The password must not be in an error: only what etcd said is.
      throw new Error(`etcd does not let "${name}" in: ${messageOf(cause)}`, { cause })
    }
  }
}

/** Such as "invalid auth token", or "revision of auth store is old" when a user or role was changed. */
function isStaleToken(error: unknown): boolean {
  if (!(error instanceof EtcdRefusal)) return false
  return (
    error.code === UNAUTHENTICATED || (error.code === INVALID_ARGUMENT && error.message.includes('auth store is old'))
  )
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
