import { request } from 'node:http'
import { KontrolError, messageOf } from '../../errors.ts'
import { textWithin } from '../network/bounded-stream.ts'
import { answerTo } from '../network/http-answer.ts'

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
/** More than the state of any program. */
const MAX_ANSWER_BYTES = 1024 * 1024

/** What supervisord answers when it refuses a call. */
class SupervisordFault extends Error {
  override readonly name = 'SupervisordFault'
  readonly code: number

  constructor(code: number, message: string) {
    super(message)
    this.code = code
  }
}

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
    const { statename, pid, spawnerr = '' } = await this.#call('getProcessInfo', program)
    if (statename === undefined || pid === undefined) {
      throw new KontrolError('KTL_SUPERVISOR_UNREACHABLE', `supervisord tells no state of ${program}`, {
        hint: 'Check that SUPERVISOR_SERVER_URL names the socket of a supervisord.'
      })
    }
    return { state: statename as ProgramState, pid: Number(pid), reason: spawnerr }
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

  /** @returns the members of the struct that is answered; none when it is something else */
  async #call(method: string, ...params: (string | boolean)[]): Promise<Record<string, string>> {
    try {
      return readAnswer(await this.#post(callOf(`supervisor.${method}`, params)))
    } catch (cause) {
      const what = `supervisord's ${method}(${params.join(', ')})`
      if (cause instanceof SupervisordFault) {
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
    const headers = { 'content-type': 'text/xml', 'content-length': Buffer.byteLength(body) }
    const options = { socketPath: this.#socketPath, path: '/RPC2', method: 'POST', headers, timeout: TIMEOUT_MS }
    // Beside the time of silence one for all of it.
    const sent = request({ ...options, agent: false, signal: AbortSignal.timeout(2 * TIMEOUT_MS) })
    sent.on('timeout', () => sent.destroy(new Error(`no answer within ${TIMEOUT_MS} ms`)))
    sent.end(body)
    const response = await answerTo(sent)
    const answer = await textWithin(response, MAX_ANSWER_BYTES)
    if (response.statusCode !== 200) throw new Error(`status ${response.statusCode}`)
    return answer
  }
}

/** Whether supervisord answered with this fault. */
export function isFault(error: unknown, code: number): boolean {
  return error instanceof Error && error.cause instanceof SupervisordFault && error.cause.code === code
}

/** @see http://xmlrpc.com/spec.md */
function callOf(method: string, params: readonly (string | boolean)[]): string {
  const encoded = params.map((param) =>
    typeof param === 'boolean' ? `<boolean>${param ? 1 : 0}</boolean>` : `<string>${escape(param)}</string>`
  )
  const values = encoded.map((value) => `<param><value>${value}</value></param>`).join('')
  return `<?xml version="1.0"?><methodCall><methodName>${method}</methodName><params>${values}</params></methodCall>`
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}

const BEGIN = '<methodResponse>'
const MEMBER =
  /<member>\s*<name>([^<]*)<\/name>\s*<value>\s*<(?:string|int|boolean)>([^<]*)<\/\w+>\s*<\/value>\s*<\/member>/g

/**
 * As supervisord 4.2.5 answers, with its own line breaks; a fault is `<fault>`
 * in place of `<params>` and `<param>`, around a struct of faultCode and faultString.
 *
 *     <?xml version='1.0'?>
 *     <methodResponse>
 *     <params>
 *     <param>
 *     <value><struct>
 *     <member>
 *     <name>name</name>
 *     <value><string>haproxy</string></value>
 *     </member>
 *     <member>
 *     <name>pid</name>
 *     <value><int>4711</int></value>
 *     </member>
 *     </struct></value>
 *     </param>
 *     </params>
 *     </methodResponse>
 *
 * Throws SupervisordFault for a fault, and SyntaxError for what is no answer at all.
 */
function readAnswer(xml: string): Record<string, string> {
  const begin = xml.indexOf(BEGIN)
  const end = xml.lastIndexOf('</methodResponse>')
  if (begin === -1 || end < begin) throw new SyntaxError(`no answer of XML-RPC: ${xml.slice(0, 100)}`)
  const body = xml.slice(begin + BEGIN.length, end).trim()
  const members: Record<string, string> = {}
  for (const [, name = '', value = ''] of body.matchAll(MEMBER)) members[name] = unescape(value)
  if (!body.startsWith('<fault>')) return members
  throw new SupervisordFault(Number(members['faultCode']), members['faultString'] ?? '')
}

const ENTITIES: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }

function unescape(text: string): string {
  return text.replace(/&(?:#(\d+)|#x([0-9a-f]+)|(\w+));/gi, (whole, decimal?: string, hex?: string, name?: string) => {
    if (name !== undefined) return ENTITIES[name] ?? whole
    return String.fromCodePoint(decimal === undefined ? Number.parseInt(hex ?? '', 16) : Number(decimal))
  })
}
