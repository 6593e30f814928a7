import type { Caller } from '../access/caller.ts'
import { KontrolError, messageOf } from '../errors.ts'
import { limits } from '../model/limits.ts'
import { textOf, type ZerorpcMessage } from './zerorpc-message.ts'

/** What Kontrol's two methods do. */
export interface ZerorpcHandlers {
  /** Takes a keepalive, as JSON. */
  ping(raw: string, caller: Caller): Promise<void> | void
  /** Runs the command of a JSON body; null when there is no answer to give. The signal fires when its caller is gone. */
  invoke(raw: string, caller: Caller, signal: AbortSignal): Promise<string | null>
}

export interface ZerorpcReply {
  name: 'OK' | 'ERR'
  args: readonly unknown[]
}

export interface ZerorpcApiOptions {
  handlers: ZerorpcHandlers
  /** Called for each keepalive that was not taken: its sender is told OK nevertheless, as Kontrol does. */
  onPingRefused: (error: unknown) => void
  /** When set, ping and invoke are answered with this error: ZeroRPC carries no credential. */
  refusal?: KontrolError | undefined
}

/** Name under which Kontrol's own server announced itself. */
const SERVICE = 'API'
const documentation: Record<string, string> = {
  invoke: 'Runs a command: raw is {"cmd": …} as JSON. Returns its standard output, or nil.',
  ping: 'Takes a keepalive: raw is {"app", "id", "ip", "key", "role", …} as JSON. Returns nil.'
}
const methods = Object.keys(documentation)

/** Answers requests: Kontrol's two methods, and what every ZeroRPC server can be asked about itself. */
export class ZerorpcApi {
  readonly #options: ZerorpcApiOptions

  constructor(options: ZerorpcApiOptions) {
    this.#options = options
  }

  /** Never rejects. */
  async call(
    { name, args }: Pick<ZerorpcMessage, 'name' | 'args'>,
    caller: Caller,
    signal: AbortSignal
  ): Promise<ZerorpcReply> {
    if (name.startsWith('_zerorpc_')) return describe(name, args)
    if (!methods.includes(name)) return failure('NameError', name)
    const { refusal } = this.#options
    if (refusal !== undefined) {
      if (name === 'ping') this.#options.onPingRefused(refusal)
      return failureOf(refusal)
    }
    const [raw] = args
    if (args.length !== 1) {
      return failure('TypeError', `${name}() takes exactly 1 argument (${args.length} given)`)
    }
    return name === 'ping' ? this.#ping(textOf(raw), caller) : this.#invoke(textOf(raw), caller, signal)
  }

  /** More than can be taken: its sender is told OK all the same, as of any other keepalive. */
  refusePing(): ZerorpcReply {
    this.#options.onPingRefused(new KontrolError('KTL_QUEUE_FULL', 'Too many keepalives wait on one connection'))
    return success(null)
  }

  async #ping(raw: string | undefined, caller: Caller): Promise<ZerorpcReply> {
    try {
      if (raw === undefined) throw new KontrolError('KTL_KEEPALIVE_INVALID', 'Invalid keepalive: no text')
      if (Buffer.byteLength(raw) > limits.bodyBytes) {
        throw new KontrolError('KTL_BODY_TOO_LARGE', `A keepalive has at most ${limits.bodyBytes} bytes`)
      }
      await this.#options.handlers.ping(raw, caller)
    } catch (error) {
      this.#options.onPingRefused(error)
    }
    return success(null)
  }

  async #invoke(raw: string | undefined, caller: Caller, signal: AbortSignal): Promise<ZerorpcReply> {
    if (raw === undefined) return success(null)
    try {
      return success(await this.#options.handlers.invoke(raw, caller, signal))
    } catch (error) {
      return failureOf(error)
    }
  }
}

function describe(name: string, args: readonly unknown[]): ZerorpcReply {
  const method = textOf(args[0]) ?? ''
  switch (name) {
    case '_zerorpc_ping':
      return success(['pong', SERVICE])
    case '_zerorpc_name':
      return success(SERVICE)
    case '_zerorpc_list':
      return success(methods)
    case '_zerorpc_help':
      return methods.includes(method) ? success(documentation[method]) : failure('NameError', method)
    case '_zerorpc_args':
      return methods.includes(method) ? success([['raw'], null, null, null]) : failure('NameError', method)
    case '_zerorpc_inspect':
      return success({
        name: SERVICE,
        methods: Object.fromEntries(methods.map((key) => [key, { args: [{ name: 'raw' }], doc: documentation[key] }]))
      })
    default:
      return failure('NameError', name)
  }
}

const success = (value: unknown): ZerorpcReply => ({ name: 'OK', args: [value] })

/** Name, message and traceback; the last is all that zerorpc-python shows of an error, so it says everything. */
export const failure = (name: string, message: string, hint = ''): ZerorpcReply => ({
  name: 'ERR',
  args: [name, message, `${name}: ${message}${hint === '' ? '' : `\nHint: ${hint}`}`]
})

function failureOf(error: unknown): ZerorpcReply {
  return error instanceof KontrolError
    ? failure(error.code, error.message, error.hint)
    : failure('KTL_UNEXPECTED', messageOf(error))
}
