import { KontrolError } from '../../errors.ts'
import { parseStat, type ProxyStatus } from './show-stat.ts'
import type { RuntimeCommand } from '../servers/commands.ts'
import { parseServersState, type ServerState } from './show-servers-state.ts'
import { exchange } from './exchange.ts'

/** Commands said on one connection. HAProxy does nothing else meanwhile, so a thousand are not said at once. */
const BATCH = 250

/** The socket of the worker that serves (`stats socket … level admin`). */
export class RuntimeApi {
  readonly #path: string

  constructor(path: string) {
    this.#path = path
  }

  /** Pid of the worker that answers here: right after a reload that may still be the former one. */
  async workerPid(timeoutMs?: number): Promise<number> {
    const answer = await exchange(this.#path, 'show info', { timeoutMs })
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

  /** All backends, without their servers: that stays short with any number of pods. */
  async backends(workerPid: number): Promise<ProxyStatus[]> {
    // 2: backends only.
    return (await this.ask(workerPid, ['show stat -1 2 -1'])).flatMap(parseStat)
  }

  /**
   * Carries out commands, in their order. One connection is one worker from its
   * first word to its last, so the pid that is asked for first holds for all.
   *
   * @throws KontrolError KTL_HAPROXY_SURPRISE when another worker answers, or something else than expected; commands behind that one may have been carried out
   */
  async execute(workerPid: number, commands: readonly RuntimeCommand[]): Promise<void> {
    for (let at = 0; at < commands.length; at += BATCH) {
      const batch = commands.slice(at, at + BATCH)
      const answers = await this.ask(
        workerPid,
        batch.map(({ text }) => text)
      )
      for (const [index, { text, answer }] of batch.entries()) {
        const said = answers[index] ?? ''
        if (!answer.test(said)) throw surprise(`"${text}" was answered ${JSON.stringify(said)}`)
      }
    }
  }

  /** Health and place of all servers, or of one backend's. */
  async serversState(workerPid: number, backends: readonly string[] = [], timeoutMs?: number): Promise<ServerState[]> {
    const commands =
      backends.length === 0 ? ['show servers state'] : backends.map((name) => `show servers state ${name}`)
    return (await this.ask(workerPid, commands, timeoutMs)).flatMap(parseServersState)
  }

  /** Sessions at work on servers, by the ids that HAProxy gives backend and server; undefined for one that is gone. */
  async sessions(
    workerPid: number,
    ids: readonly { backendId: number; serverId: number }[]
  ): Promise<(number | undefined)[]> {
    const sessions: (number | undefined)[] = []
    for (let at = 0; at < ids.length; at += BATCH) {
      // 4: servers only.
      const commands = ids
        .slice(at, at + BATCH)
        .map(({ backendId, serverId }) => `show stat ${backendId} 4 ${serverId}`)
      const answers = await this.ask(workerPid, commands)
      sessions.push(...answers.map((csv) => parseStat(csv)[0]?.servers[0]?.sessions))
    }
    return sessions
  }

  /** Milliseconds since the worker began. */
  async uptimeMs(): Promise<number> {
    return (infoNumber(await exchange(this.#path, 'show info'), 'Uptime_sec') ?? 0) * 1000
  }

  /**
   * Gives HAProxy a certificate with its key in place of the one that it loaded from this file.
   *
   * @throws Error in HAProxy's own words; it goes on with the former one
   */
  async replaceCertificate(path: string, pem: string): Promise<void> {
    const set = await exchange(this.#path, `set ssl cert ${path} <<\n${pem}\n`)
    if (!/^Transaction (?:created|updated) for certificate /.test(set)) throw new Error(set.trim())
    const committed = await exchange(this.#path, `commit ssl cert ${path}`)
    if (committed.includes('Success!')) return
    await exchange(this.#path, `abort ssl cert ${path}`)
    throw new Error(committed.trim())
  }

  /** The answer of each command. Every one ends with an empty line, and holds none. */
  async ask(workerPid: number, commands: readonly string[], timeoutMs?: number): Promise<string[]> {
    const line = ['show info', ...commands].join(';')
    const [info = '', ...answers] = (await exchange(this.#path, line, { timeoutMs })).split(/(?<=^|\n)\n/)
    const pid = infoNumber(info, 'Pid')
    if (pid !== workerPid) throw surprise(`worker ${pid ?? 'nobody'} answers in place of ${workerPid}`)
    if (answers.pop() !== '' || answers.length !== commands.length) {
      throw surprise(`${commands.length} commands had ${answers.length} answers`)
    }
    return answers.map((answer) => answer.trimEnd())
  }
}

function surprise(words: string): KontrolError {
  return new KontrolError('KTL_HAPROXY_SURPRISE', `HAProxy is not as expected: ${words}`, {
    hint: 'No action needed: the next reload corrects it.'
  })
}

/** One number of `show info`, whose lines are `CurrConns: 12`. */
export function infoNumber(answer: string, field: string): number | undefined {
  const match = new RegExp(`^${field}: (\\d+)$`, 'm').exec(answer)
  return match === null ? undefined : Number(match[1])
}
