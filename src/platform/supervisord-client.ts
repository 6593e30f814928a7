import { request } from 'node:http'
import { text } from 'node:stream/consumers'
import type { IncomingMessage } from 'node:http'
import { KontrolError, messageOf } from '../errors.ts'
import { decodeResponse, encodeCall, XmlRpcFault, type XmlRpcValue } from './xml-rpc.ts'

/** @see http://supervisord.org/subprocess.html#process-states */
export type ProgramState = 'STOPPED' | 'STARTING' | 'RUNNING' | 'BACKOFF' | 'STOPPING' | 'EXITED' | 'FATAL' | 'UNKNOWN'

export interface ProgramInfo {
  state: ProgramState
  /** 0 while it does not run. */
  pid: number
  /** Why it does not run, in supervisord's words. */
  reason: string
}

/** Faults that callers tell apart. @see supervisor/xmlrpc.py */
export const supervisordFaults = {
  shutdown: 6,
  badName: 10,
  noFile: 20,
  notExecutable: 21,
  alreadyStarted: 60,
  notRunning: 70
} as const

const TIMEOUT_MS = 5_000

/** supervisord, by XML-RPC on its unix socket. */
export class SupervisordClient {
  readonly #socketPath: string

  /** @param serverUrl `unix:///path`, as supervisord hands it to its programs in `SUPERVISOR_SERVER_URL` */
  constructor(serverUrl: string) {
    if (!serverUrl.startsWith('unix://')) {
      throw new KontrolError('KTL_CONFIG_INVALID', `SUPERVISOR_SERVER_URL is no unix socket: ${serverUrl}`, {
        hint: 'Give supervisord a [unix_http_server], and start this program from it.'
      })
    }
    this.#socketPath = serverUrl.slice('unix://'.length)
  }

  async info(program: string): Promise<ProgramInfo> {
    const { statename, pid, spawnerr } = (await this.#call('getProcessInfo', program)) as {
      statename: ProgramState
      pid: number
      spawnerr: string
    }
    return { state: statename, pid, reason: spawnerr }
  }

  /** Returns once it is started; whether it stays up is another question. */
  async start(program: string): Promise<void> {
    await this.#call('startProcess', program, false)
  }

  /** Sends the program's stop signal, and returns at once. */
  async stop(program: string): Promise<void> {
    await this.#call('stopProcess', program, false)
  }

  /** @param signal as `KILL` */
  async signal(program: string, signal: string): Promise<void> {
    await this.#call('signalProcess', program, signal)
  }

  /** Whether supervisord, and so the container, is being stopped. */
  async shuttingDown(): Promise<boolean> {
    try {
      await this.#call('getState')
      return false
    } catch (error) {
      if (isFault(error, supervisordFaults.shutdown)) return true
      throw error
    }
  }

  async #call(method: string, ...params: (string | number | boolean)[]): Promise<XmlRpcValue> {
    try {
      return decodeResponse(await this.#post(encodeCall(`supervisor.${method}`, params)))
    } catch (cause) {
      const what = `supervisord's ${method}(${params.join(', ')})`
      if (cause instanceof XmlRpcFault) {
        throw new KontrolError('KTL_SUPERVISOR_REFUSED', `${what} was refused: ${cause.message}`, {
          cause,
          hint: 'Compare "supervisorctl status" with the program files that come with this program.'
        })
      }
      throw new KontrolError(
        'KTL_SUPERVISOR_UNREACHABLE',
        `${what} failed on ${this.#socketPath}: ${messageOf(cause)}`,
        {
          cause,
          hint: 'Check that supervisord runs, and that this user may open its socket.'
        }
      )
    }
  }

  async #post(body: string): Promise<string> {
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const headers = { 'content-type': 'text/xml', 'content-length': Buffer.byteLength(body) }
      const options = { socketPath: this.#socketPath, path: '/RPC2', method: 'POST', headers, timeout: TIMEOUT_MS }
      const sent = request({ ...options, agent: false }, resolve)
      sent.on('timeout', () => sent.destroy(new Error(`no answer within ${TIMEOUT_MS} ms`)))
      sent.on('error', reject)
      sent.end(body)
    })
    const answer = await text(response)
    if (response.statusCode !== 200) throw new Error(`status ${response.statusCode}`)
    return answer
  }
}

/** Whether supervisord answered with this fault. */
export function isFault(error: unknown, code: number): boolean {
  return error instanceof Error && error.cause instanceof XmlRpcFault && error.cause.code === code
}
