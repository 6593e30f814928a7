import { KontrolError } from '../errors.ts'
import type { MasterConnection } from './master-pinger.ts'

export interface EitherMasterOptions {
  http: MasterConnection
  /** Made when the master turns out to be one of Kontrol's last generation. */
  connectZerorpc: () => MasterConnection
  /** Called when it does. */
  onZerorpc: () => void
}

/**
 * A master named without a scheme, as Kontrol's own annotations name it, which may be of either generation. It is taken to
 * speak HTTP until its first byte is that of a ZMTP greeting; that keepalive and the next ones then go out by ZeroRPC.
 * When one of them fails, HTTP is tried again: another master may have got the address.
 */
export class EitherMaster implements MasterConnection {
  readonly #options: EitherMasterOptions
  #zerorpc: MasterConnection | undefined

  constructor(options: EitherMasterOptions) {
    this.#options = options
  }

  async send(keepalive: string, signal: AbortSignal): Promise<void> {
    if (this.#zerorpc === undefined && !(await this.#sentByHttp(keepalive, signal))) {
      this.#zerorpc = this.#options.connectZerorpc()
      this.#options.onZerorpc()
    }
    if (this.#zerorpc !== undefined) await this.#sendByZerorpc(this.#zerorpc, keepalive, signal)
  }

  async close(): Promise<void> {
    await this.#zerorpc?.close()
    await this.#options.http.close()
  }

  /** False when it speaks ZeroRPC. */
  async #sentByHttp(keepalive: string, signal: AbortSignal): Promise<boolean> {
    try {
      await this.#options.http.send(keepalive, signal)
      return true
    } catch (error) {
      if (error instanceof KontrolError && error.code === 'KTL_MASTER_SPEAKS_ZERORPC') return false
      throw error
    }
  }

  async #sendByZerorpc(zerorpc: MasterConnection, keepalive: string, signal: AbortSignal): Promise<void> {
    try {
      await zerorpc.send(keepalive, signal)
    } catch (error) {
      this.#zerorpc = undefined
      await zerorpc.close()
      throw error
    }
  }
}
