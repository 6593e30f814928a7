import { rootCertificates } from 'node:tls'
import { Agent } from 'undici'
import { KontrolError } from '../errors.ts'
import type { MasterAddress } from './master-address.ts'
import type { MasterConnection } from './master-connection.ts'

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
  /** Sent as a bearer token when set. */
  token?: string | undefined
  tls?: TlsCredentials | undefined
  /** Milliseconds an unused connection is kept open. */
  keepAliveMs: number
}

/** Characters of an error body that go into a message. */
const REASON_LENGTH = 300

/** Sends keepalives as PUT /ping over one kept-alive connection. */
export class HttpMaster implements MasterConnection {
  readonly #agent: Agent
  readonly #origin: string
  readonly #name: string
  readonly #headers: Record<string, string>

  constructor({ address, token, tls, keepAliveMs }: HttpMasterOptions) {
    const { protocol, host, port, name } = address
    this.#origin = `${protocol}://${host.includes(':') ? `[${host}]` : host}:${port}`
    this.#name = name
    this.#headers = {
      'content-type': 'application/json',
      ...(token !== undefined && { authorization: `Bearer ${token}` })
    }
    this.#agent = new Agent({
      connections: 1,
      keepAliveTimeout: keepAliveMs,
      keepAliveMaxTimeout: keepAliveMs,
      // Only the start of an error body is of use.
      maxResponseSize: 64 * 1024,
      ...(tls !== undefined && { connect: connectOptions(tls) })
    })
  }

  async send(keepalive: string, signal: AbortSignal): Promise<void> {
    const { statusCode, body } = await this.#agent.request({
      origin: this.#origin,
      path: '/ping',
      method: 'PUT',
      headers: this.#headers,
      body: keepalive,
      signal
    })
    const text = await body.text()
    if (statusCode === 200) return
    throw new KontrolError(
      'KTL_MASTER_UNREACHABLE',
      `Master ${this.#name} answered ${statusCode}: ${text.slice(0, REASON_LENGTH)}`,
      { hint: 'Check that the address names a master, and KONTROL_TOKEN when it wants one.' }
    )
  }

  async close(): Promise<void> {
    await this.#agent.destroy()
  }
}

/** Naming an authority would otherwise put it in the place of the public ones. */
function connectOptions({ cert, key, ca }: TlsCredentials) {
  return { cert, key, ...(ca !== undefined && { ca: [...rootCertificates, ca] }) }
}
