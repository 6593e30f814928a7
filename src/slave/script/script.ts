import type { Access } from '../../access/access.ts'
import type { Caller } from '../../access/caller.ts'
import type { CommandKind } from '../../access/policy.ts'
import { parseCommand } from '../../access/command-rules.ts'
import { KontrolError } from '../../errors.ts'
import { toKontrolJson } from '../../model/json/kontrol.ts'
import type { Logger } from '../../platform/logger.ts'
import { defaultShell, type Shell } from '../../platform/process/shell.ts'
import { runShellScript } from './shell-script.ts'
import { parseSocatCommand } from './socat-command.ts'

/** The automaton's own commands: `WAIT configure {…}` and the like. */
export interface CommandSink {
  /** Resolves to OK, KO or the tag, as the socket would answer. */
  execute(commandLine: string): Promise<string>
  /** What the command would do, where only the automaton knows its manifest. */
  kindOf?(commandLine: string): Promise<CommandKind>
}

export interface ScriptRunnerOptions {
  /** KONTROL_SCRIPT. */
  mode: 'off' | 'automaton' | 'shell'
  /** Socket of the automaton; in mode `automaton` no other may be addressed. */
  socketPath: string
  /** Absent when this process has no automaton. */
  sink: CommandSink | undefined
  access: Pick<Access, 'check' | 'checkCommand'>
  logger: Logger
  /** What scripts inherit in mode `shell`. */
  env: NodeJS.ProcessEnv
  /** What runs them; the usual one when absent. */
  shell?: Shell
  /** Milliseconds that one script has, 60 s when absent. */
  timeoutMs?: number
}

const DEFAULT_TIMEOUT_MS = 60_000
/** Scripts that wait for their turn; each may take its whole time. */
const MAX_WAITING = 64

/**
 * Runs what masters and their callbacks ask of this pod, one at a time in the
 * order they came. In mode `automaton` no shell is involved: the one form that
 * callbacks use is understood and its command handed over in process.
 */
export class ScriptRunner {
  readonly #options: ScriptRunnerOptions
  #last: Promise<unknown> = Promise.resolve()
  #waiting = 0

  constructor(options: ScriptRunnerOptions) {
    this.#options = options
  }

  /**
   * Runs the script of a body `{"cmd": …, anything else}`.
   *
   * @returns its standard output without the final line break, whatever its exit code
   * @throws KontrolError KTL_REQUEST_INVALID, KTL_UNAUTHORIZED, KTL_FORBIDDEN, KTL_QUEUE_FULL, KTL_SCRIPT_TIMEOUT
   */
  async run(body: unknown, caller: Caller): Promise<string> {
    // Before it waits: what is refused is refused at once.
    const execute = this.#prepare(commandOf(body), toKontrolJson(body), caller)
    if (this.#waiting >= MAX_WAITING) {
      throw new KontrolError('KTL_QUEUE_FULL', `${MAX_WAITING} scripts are waiting already`, {
        hint: 'Wait until some of them have ended.'
      })
    }
    this.#waiting += 1
    const turn = this.#last.then(execute)
    this.#last = turn.catch(() => {}).finally(() => (this.#waiting -= 1))
    return turn
  }

  #prepare(command: string, input: string, caller: Caller): () => Promise<string> {
    const {
      mode,
      socketPath,
      sink,
      access,
      logger,
      env,
      shell = defaultShell,
      timeoutMs = DEFAULT_TIMEOUT_MS
    } = this.#options
    switch (mode) {
      case 'off':
        throw new KontrolError('KTL_FORBIDDEN', 'Scripts are switched off here', {
          hint: 'Set KONTROL_SCRIPT=automaton to allow commands to the automaton.'
        })
      case 'automaton': {
        const line = parseSocatCommand(command, { input, socketPath })
        if (sink === undefined) throw new KontrolError('KTL_FORBIDDEN', 'This process runs no automaton')
        const parsed = parseCommand(line)
        // What is no command is answered by the automaton, and does nothing.
        if (parsed === undefined) return () => withinTime(sink.execute(line), timeoutMs)
        if (sink.kindOf === undefined) {
          access.checkCommand(parsed, caller)
          return () => withinTime(sink.execute(line), timeoutMs)
        }
        const ask = async (): Promise<string> => {
          access.checkCommand(parsed, caller, await sink.kindOf?.(line))
          return await sink.execute(line)
        }
        return () => withinTime(ask(), timeoutMs)
      }
      case 'shell':
        access.check({ kind: 'operate', what: 'A script' }, caller)
        return () => runShellScript({ command, input, env, shell, timeoutMs, logger })
    }
  }
}

function commandOf(body: unknown): string {
  const command = typeof body === 'object' && body !== null ? (body as { cmd?: unknown }).cmd : undefined
  if (typeof command === 'string' && command.trim() !== '' && !command.includes('\0')) return command
  throw new KontrolError('KTL_REQUEST_INVALID', 'The body has no command in "cmd"', {
    hint: 'Send {"cmd": "echo STATE | socat - /tmp/sock"}.'
  })
}

/** What takes longer goes on by itself: a transition cannot be taken back. */
async function withinTime(answer: Promise<string>, timeoutMs: number): Promise<string> {
  let timer: NodeJS.Timeout | undefined
  const tooLate = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(scriptTimeout(timeoutMs)), timeoutMs)
  })
  try {
    return await Promise.race([answer, tooLate])
  } finally {
    clearTimeout(timer)
  }
}

function scriptTimeout(timeoutMs: number): KontrolError {
  return new KontrolError('KTL_SCRIPT_TIMEOUT', `The command was not done after ${timeoutMs / 1000} s`, {
    hint: 'Ask for the state later with "echo STATE | socat - <socket>".'
  })
}
