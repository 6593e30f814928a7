import { KontrolError, messageOf } from '../errors.ts'
import type { Snapshot } from '../model/snapshot.ts'
import { Backoff } from '../platform/backoff.ts'
import type { Cancel, Clock } from '../platform/clock.ts'
import type { Logger } from '../platform/logger.ts'
import { splitShellWords } from '../platform/shell-words.ts'
import { runSubprocess, type SubprocessResult } from '../platform/subprocess.ts'
import { prepareCallbackInput, removeCallbackInput } from './callback-input.ts'

export interface CallbackOptions {
  /** KONTROL_CALLBACK. */
  command: string
  /** Whether /bin/sh takes the command, or it is split into words and run as it is. */
  shell: boolean
  timeoutMs: number
  /** Environment of this process, which the callback inherits. */
  env: NodeJS.ProcessEnv
  /** Where PODS_FILE and STATE_FILE are written. */
  folder: string
  state: CallbackState
  logger: Logger
  clock: Clock
  /** In [0, 1); spreads retries. */
  random?: () => number
}

/** Where the state lives from one run to the next. */
interface CallbackState {
  /** What the last run printed; undefined before the first that printed something. */
  load(): string | undefined
  save(text: string): Promise<void>
}

export interface CallbackStatus {
  running: boolean
  /** Failed runs since the last good one. */
  failures: number
  lastError: string | undefined
  /** End of the last good run, milliseconds since the epoch. */
  lastSuccess: number | undefined
}

/** Largest state, in bytes: a store keeps it in one value, and etcd takes 1.5 MiB. */
const MAX_STATE_BYTES = 1024 * 1024
const STDERR_LENGTH = 4096
const RETRY = { firstMs: 1_000, maxMs: 60_000, jitter: 0.5 }

/**
 * Runs the user's own process for each set of pods: never two at once, changes
 * during a run together in one more run, and a failed one again until it
 * succeeds or another set of pods replaces what it was for.
 */
export class CallbackRunner {
  readonly #options: CallbackOptions
  readonly #argv: readonly [string, ...string[]]
  readonly #backoff: Backoff
  readonly #stopping = new AbortController()
  /** What still has to be run; undefined once a run for it succeeded. */
  #wanted: (() => Snapshot) | undefined
  #running: Promise<void> | undefined
  #cancelRetry: Cancel | undefined
  #failures = 0
  #lastError: string | undefined
  #lastSuccess: number | undefined

  /** @throws KontrolError KTL_USAGE when the command has an open quote or no words */
  constructor(options: CallbackOptions) {
    this.#options = options
    const { shell, command, random = Math.random } = options
    this.#backoff = new Backoff({ ...RETRY, random })
    const [program, ...args] = shell ? ['/bin/sh', '-c', command] : splitShellWords(command)
    if (program === undefined) {
      throw new KontrolError('KTL_USAGE', 'KONTROL_CALLBACK holds no command', { hint: 'Unset it, or name a program.' })
    }
    this.#argv = [program, ...args]
  }

  /** Runs the callback for the pods as `take` gives them when the run begins: now, or after the one under way. */
  request(take: () => Snapshot): void {
    this.#wanted = take
    if (this.#running === undefined) this.#begin()
  }

  status(): CallbackStatus {
    return {
      running: this.#running !== undefined,
      failures: this.#failures,
      lastError: this.#lastError,
      lastSuccess: this.#lastSuccess
    }
  }

  /** Ends a run that is under way and resolves when it is gone. */
  async stop(): Promise<void> {
    this.#wanted = undefined
    this.#cancelRetry?.()
    this.#stopping.abort()
    await this.#running
  }

  #begin(): void {
    this.#cancelRetry?.()
    const wanted = this.#wanted
    if (wanted === undefined || this.#stopping.signal.aborted) return
    this.#running = this.#runCommand(wanted()).then((succeeded) => {
      this.#running = undefined
      if (this.#wanted !== wanted) this.#begin()
      else if (succeeded) this.#wanted = undefined
      else this.#retryLater()
    })
  }

  #retryLater(): void {
    this.#cancelRetry = this.#options.clock.after(this.#backoff.next(), () => this.#begin())
  }

  /** Never rejects; true when the callback did its work. */
  async #runCommand(snapshot: Snapshot): Promise<boolean> {
    const { clock, logger } = this.#options
    const startedAt = clock.monotonic()
    try {
      const printed = await this.#execute(snapshot)
      if (printed !== '') await this.#options.state.save(printed)
      this.#failures = 0
      this.#backoff.reset()
      this.#lastError = undefined
      this.#lastSuccess = clock.now()
      const { digest, pods } = snapshot
      logger.info(
        { digest, pods: pods.length, ms: Math.round(clock.monotonic() - startedAt), state: printed !== '' },
        'callback ran'
      )
      return true
    } catch (error) {
      this.#failures += 1
      this.#lastError = messageOf(error)
      if (!this.#stopping.signal.aborted) {
        logger.error({ reason: this.#lastError, failures: this.#failures }, 'callback failed, the old state stays')
      }
      return false
    }
  }

  /** @returns the new state, or an empty text to keep the old one */
  async #execute(snapshot: Snapshot): Promise<string> {
    const { env, folder, timeoutMs, state, logger } = this.#options
    const [program, ...args] = this.#argv
    try {
      const input = await prepareCallbackInput({ snapshot, state: state.load(), env, folder })
      const result = await runSubprocess(program, args, {
        env: input,
        timeoutMs,
        // One byte more than allowed shows that there was more.
        maxOutputBytes: MAX_STATE_BYTES + 1,
        signal: this.#stopping.signal
      })
      const said = result.stderr.trim()
      if (said !== '') logger.info({ stderr: said.slice(-STDERR_LENGTH) }, 'callback wrote to its standard error')
      return checkedState(result, timeoutMs)
    } finally {
      await removeCallbackInput(folder)
    }
  }
}

function checkedState({ code, signal, stdout, timedOut }: SubprocessResult, timeoutMs: number): string {
  if (timedOut) throw new Error(`it was ended after ${timeoutMs / 1000} s`)
  if (code !== 0) throw new Error(signal === null ? `it exited with ${code}` : `it was ended by ${signal}`)
  if (Buffer.byteLength(stdout) > MAX_STATE_BYTES) throw new Error(`it printed more than ${MAX_STATE_BYTES} bytes`)
  const printed = stdout.trim()
  if (printed === '') return ''
  try {
    JSON.parse(printed)
  } catch (cause) {
    throw new Error(`what it printed is no JSON: ${printed.slice(0, 100)}`, { cause })
  }
  return printed
}
