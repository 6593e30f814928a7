import { KontrolError } from '../errors.ts'
import { exchange } from './unix-exchange.ts'
import { parseStat, type ProxyStatus } from './proxy-status.ts'

/** The socket of the worker that serves (`stats socket … level admin`). */
export class RuntimeApi {
  readonly #path: string

  constructor(path: string) {
    this.#path = path
  }

  /** Pid of the worker that answers here: right after a reload that may still be the former one. */
  async workerPid(): Promise<number> {
    const answer = await exchange(this.#path, 'show info')
    const pid = infoNumber(answer, 'Pid')
    if (pid === undefined) {
      throw new KontrolError('KTL_HAPROXY_UNREACHABLE', `"show info" on ${this.#path} names no Pid`, {
        hint: 'Check that only HAProxy listens on the runtime socket.'
      })
    }
    return pid
  }

  async proxies(): Promise<ProxyStatus[]> {
    return parseStat(await exchange(this.#path, 'show stat'))
  }
}

/** One number of `show info`, whose lines are `CurrConns: 12`. */
export function infoNumber(answer: string, field: string): number | undefined {
  const match = new RegExp(`^${field}: (\\d+)$`, 'm').exec(answer)
  return match === null ? undefined : Number(match[1])
}
