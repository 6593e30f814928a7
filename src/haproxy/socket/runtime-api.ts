import { setTimeout as sleep } from 'node:timers/promises'
import { KontrolError } from '../../errors.ts'
import { blocksOf } from '../../platform/text/blocks.ts'
import { endsInQuotes } from '../../platform/text/csv.ts'
import { parseStat, type ProxyStat } from './show-stat.ts'
import type { RuntimeCommand } from '../servers/commands.ts'
import { parseServersState, type ServerState } from './show-servers-state.ts'
import { exchange, exchangeAfter } from './exchange.ts'

/** Commands said on one connection. HAProxy does nothing else meanwhile, so a thousand are not said at once. */
const BATCH = 250
/** How often a worker is asked again while its former one answers in its place, and how long it is waited in between. */
const TRIES = 100
const PAUSE_MS = 5
/** More former workers at once are none of ours. */
const MAX_WORKERS = 16

/** The socket of the worker that serves (`stats socket … level admin`). */
export class RuntimeApi {
  readonly #path: string
  /** Pids of the workers that were spoken to, the last one last. */
  #spokenTo: readonly number[] = []

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

  async proxies(): Promise<ProxyStat[]> {
    return await parseStat(await exchange(this.#path, 'show stat'))
  }

  /** All backends, without their servers: that stays short with any number of pods. */
  async backends(workerPid: number): Promise<ProxyStat[]> {
    // 2: backends only.
    return await allOf(await this.ask(workerPid, ['show stat -1 2 -1']), parseStat)
  }

  /**
   * Carries out commands, in their order, and says none to another worker: one that another hand began may have
   * other servers by these names.
   *
   * @throws KontrolError KTL_HAPROXY_SURPRISE when another worker answers, or something else than expected; commands behind that one may have been carried out
   */
  async execute(workerPid: number, commands: readonly RuntimeCommand[]): Promise<void> {
    for (let at = 0; at < commands.length; at += BATCH) {
      const batch = commands.slice(at, at + BATCH)
      const answers = await this.tell(
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
    return await allOf(await this.ask(workerPid, commands, timeoutMs), parseServersState)
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
      for (const csv of answers) sessions.push((await parseStat(csv))[0]?.servers[0]?.sessions)
    }
    return sessions
  }

  /**
   * Gives HAProxy a certificate with its key in place of the one that it loaded from this file.
   *
   * @throws Error in HAProxy's own words; it goes on with the former one
   */
  async replaceCertificate(workerPid: number, path: string, pem: string): Promise<void> {
    const [set = ''] = await this.ask(workerPid, [`set ssl cert ${path} <<\n${pem}\n`])
    if (!/^Transaction (?:created|updated) for certificate /.test(set)) throw new Error(set.trim())
    const [committed = ''] = await this.ask(workerPid, [`commit ssl cert ${path}`])
    if (committed.includes('Success!')) return
    await this.ask(workerPid, [`abort ssl cert ${path}`])
    throw new Error(committed.trim())
  }

  /**
   * The answer of each command. Every one ends with an empty line, and holds none but within quotes.
   *
   * A former worker may answer in place of the one that is meant: the listening socket is the same, and it goes on
   * accepting for as long as `grace` says. What it was told matters to nobody, so this is for what any worker may hear:
   * questions, and certificates, which go by their file.
   *
   * @throws KontrolError KTL_HAPROXY_SURPRISE, KTL_HAPROXY_UNREACHABLE
   */
  async ask(workerPid: number, commands: readonly string[], timeoutMs?: number): Promise<string[]> {
    const line = ['show info', ...commands].join(';')
    return await this.#onceAnswered(workerPid, async (isMeant) => {
      const [info = '', ...answers] = answersIn(await exchange(this.#path, line, { timeoutMs }))
      return isMeant(info) ? complete(answers, commands.length) : undefined
    })
  }

  /**
   * As `ask`, and says nothing to another worker: for commands whose answers decide what comes next.
   *
   * @throws KontrolError KTL_HAPROXY_SURPRISE, KTL_HAPROXY_UNREACHABLE
   */
  async tell(workerPid: number, commands: readonly string[]): Promise<string[]> {
    const line = commands.join(';')
    return await this.#onceAnswered(workerPid, async (isMeant) => {
      const said = await exchangeAfter(this.#path, 'show info', (info) => (isMeant(info) ? line : undefined))
      return said === undefined ? undefined : complete(answersIn(said), commands.length)
    })
  }

  /** @param attempt undefined when `isMeant` says that a former worker answers */
  async #onceAnswered(
    workerPid: number,
    attempt: (isMeant: (info: string) => boolean) => Promise<string[] | undefined>
  ): Promise<string[]> {
    const former = this.#formerOf(workerPid)
    for (let left = TRIES; ; left--) {
      const answers = await attempt((info) => {
        const pid = infoNumber(info, 'Pid')
        if (pid === workerPid) return true
        if (pid !== undefined && former.includes(pid) && left > 0) return false
        throw surprise(`worker ${pid ?? 'nobody'} answers in place of ${workerPid}`)
      })
      if (answers !== undefined) return answers
      await sleep(PAUSE_MS)
    }
  }

  #formerOf(workerPid: number): readonly number[] {
    const former = this.#spokenTo.filter((pid) => pid !== workerPid)
    this.#spokenTo = [...former, workerPid].slice(-MAX_WORKERS)
    return former
  }
}

/** `show stat` quotes what a pod answered to its check, which may hold empty lines. */
function answersIn(text: string): string[] {
  const answers: string[] = []
  for (const part of blocksOf(text)) {
    const former = answers.at(-1)
    if (former?.startsWith('# pxname') === true && endsInQuotes(former)) answers.splice(-1, 1, `${former}\n${part}`)
    else answers.push(part)
  }
  return answers
}

/** One answer each, and nothing behind the last. */
function complete(answers: string[], count: number): string[] {
  if (answers.pop() !== '' || answers.length !== count)
    throw surprise(`${count} commands had ${answers.length} answers`)
  return answers.map((answer) => answer.trimEnd())
}

async function allOf<T>(answers: readonly string[], parse: (answer: string) => Promise<T[]>): Promise<T[]> {
  const parsed: T[][] = []
  for (const answer of answers) parsed.push(await parse(answer))
  return parsed.flat()
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
