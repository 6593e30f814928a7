import { Agent as HttpAgent, request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { rootCertificates, type SecureContextOptions } from 'node:tls'
import { KontrolError } from '../errors.ts'
import { answerTo } from '../platform/network/http-answer.ts'
import type { MasterAddress } from './master-address.ts'
import type { MasterConnection } from './master-pinger.ts'

/** PEM texts. */
export interface TlsCredentials {
  /** Shown to a master that asks. */
  cert: string
  key: string
  /** Authorities to trust beside the public ones. */
  ca?: string
}

export interface HttpMasterOptions {
  address: MasterAddress
  /** Asked at each keepalive; sent as a bearer token when there is one. */
  token?: (() => string | undefined) | undefined
  tls?: TlsCredentials | undefined
  /** Milliseconds an unused connection is kept open. */
  keepAliveMs: number
}

/** Characters of an error body that go into a message. */
const REASON_LENGTH = 300

/**
 * Sends keepalives as PUT /ping over one kept-alive connection. On Node's own
 * client, which the control tier's server brings along: undici would add 14 MB
 * to each pod of a fleet.
 */
export class HttpMaster implements MasterConnection {
  readonly #agent: HttpAgent
  readonly #options: RequestOptions
  readonly #request: typeof httpRequest
  readonly #name: string
  readonly #token: (() => string | undefined) | undefined

  constructor({ address, token, tls, keepAliveMs }: HttpMasterOptions) {
    const { protocol, host, port, name } = address
    const pool = { keepAlive: true, maxSockets: 1, timeout: keepAliveMs }
    this.#agent =
      protocol === 'https'
        ? new HttpsAgent({ ...pool, ...(tls !== undefined && connectOptions(tls)) })
        : new HttpAgent(pool)
    this.#request = protocol === 'https' ? httpsRequest : httpRequest
    this.#name = name
    this.#options = {
      agent: this.#agent,
      host,
      port,
      path: '/ping',
      method: 'PUT'
    }
    this.#token = token
  }

  async send(keepalive: string, signal: AbortSignal): Promise<void> {
    try {
      const response = await this.#put(keepalive, signal)
      const text = await startOf(response)
      if (response.statusCode !== 200) throw this.#refused(response, text)
    } catch (error) {
      // Node tells of an abort in other words on each of its ways.
      signal.throwIfAborted()
      throw greetsAsZmtp(error) ? this.#otherGeneration(error) : error
    }
  }

  async close(): Promise<void> {
    this.#agent.destroy()
  }

  async #put(body: string, signal: AbortSignal): Promise<IncomingMessage> {
    const token = this.#token?.()
    const headers = {
      'content-type': 'application/json',
      ...(token !== undefined && { authorization: `Bearer ${token}` })
    }
    const sent = this.#request({ ...this.#options, headers, signal })
    sent.end(body)
    return await answerTo(sent)
  }

  #otherGeneration(cause: unknown): KontrolError {
    const { host, port } = this.#options
    return new KontrolError('KTL_MASTER_SPEAKS_ZERORPC', `Master ${this.#name} speaks ZeroRPC, and not HTTP`, {
      hint: `Name it as ${host}:${port} or zerorpc://${host}:${port} in kontrol.unity3d.com/master; "kontrol ping" speaks HTTP alone.`,
      cause
    })
  }

  #refused({ statusCode }: IncomingMessage, text: string): KontrolError {
    return new KontrolError('KTL_MASTER_UNREACHABLE', `Master ${this.#name} answered ${statusCode}: ${text}`, {
      hint: 'Check that the address names a master, and KONTROL_TOKEN when it wants one.'
    })
  }
}

/** ZMTP begins with this byte, which no answer of HTTP does; Node's parser hands over what it could not read. */
const ZMTP_FIRST_BYTE = 0xff

function greetsAsZmtp(error: unknown): boolean {
  return error instanceof Error && 'rawPacket' in error && error.rawPacket instanceof Buffer
    ? error.rawPacket[0] === ZMTP_FIRST_BYTE
    : false
}

/** Of a longer answer the rest is not read, and the connection is given up. */
async function startOf(response: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of response.setEncoding('utf8') as AsyncIterable<string>) {
    text += chunk
    if (text.length > REASON_LENGTH) break
  }
  return text.slice(0, REASON_LENGTH)
}

/** Naming an authority would otherwise put it in the place of the public ones. */
function connectOptions({ cert, key, ca }: TlsCredentials): SecureContextOptions {
  return { cert, key, ...(ca !== undefined && { ca: [...rootCertificates, ca] }) }
}
