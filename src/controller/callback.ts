import { constants } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { findKontrolError, KontrolError, messageOf } from '../errors.ts'
import { maskValues } from '../model/masking.ts'
import type { Snapshot } from '../model/snapshot.ts'
import { Backoff } from '../platform/backoff.ts'
import type { Cancel, Clock } from '../platform/clock.ts'
import type { Logger } from '../platform/logger.ts'
import { secretValues } from '../platform/process/inherited-environment.ts'
import type { Shell } from '../platform/process/shell.ts'
import { splitShellWords } from '../platform/process/shell-words.ts'
import type { SubprocessResult } from '../platform/process/subprocess.ts'
import { prepareCallbackInput, removeCallbackInput } from './callback-input.ts'
import { runOnLeash } from './leash.ts'

export interface CallbackOptions {
  /** KONTROL_CALLBACK. */
  command: string
  /** What takes the command; undefined: it is split into words and run as it is. */
  shell: Shell | undefined
  timeoutMs: number
  /** Environment of this process, which the callback inherits. */
  env: NodeJS.ProcessEnv
  /** Where PODS_FILE and STATE_FILE are written. */
  folder: string
  registry: CallbackRegistry
  logger: Logger
  clock: Clock
  /** In [0, 1); spreads retries. */
  random?: () => number
}

interface CallbackRun {
  /** Of the pods that it ran for. */
  digest: string
  /** What it, or one before it, printed. */
  state: string | undefined
}

/** Where runs are noted, and who may do them: of several masters, the leader alone. */
export interface CallbackRegistry {
  /** Whether this master may begin a run. */
  readonly leading: boolean
  /** A run under way may go on while this is of the same term. */
  readonly leadership: { term: number; until: number } | undefined
  /** The last run that ended well; undefined before the first. */
  lastRun(): CallbackRun | undefined
  /** Rejects when this master only remembers to lead. */
  confirmLeadership(): Promise<{ term: number }>
  /** Rejects when another master leads by now: nothing was written. */
  saveCallbackRun(run: CallbackRun, term: number): Promise<void>
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
const GRACE_MS = 5_000
const SAVE_AGAIN_MS = 250
const RETRY = { firstMs: 1_000, maxMs: 60_000, jitter: 0.5 }

/**
 * Runs the user's own process for each set of pods: never two at once, changes
 * during a run together in one more run, and a failed one again until it
 * succeeds or another set of pods replaces what it was for.
 *
 * Of several masters the leader alone does it. A run that loses its leadership
 * is ended, before another master can begin one; what it came to is noted
 * together with the digest of the pods that it was for, if its term still
 * lasts. A new leader thus knows what is done, and does the rest.
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
    const [program, ...args] = shell === undefined ? splitShellWords(command) : [...shell, '-c', command]
    if (program === undefined) {
      throw new KontrolError('KTL_USAGE', 'KONTROL_CALLBACK holds no command', { hint: 'Unset it, or name a program.' })
    }
    this.#argv = [program, ...args]
  }

  /**
   * Runs the callback for the pods as `take` gives them when the run begins, now or after the one under way, unless the
   * last run was for the same pods. Of a master that does not lead, nothing is to be done: its leader was told as well.
   */
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
    if (wanted === undefined || this.#stopping.signal.aborted || !this.#options.registry.leading) return
    this.#running = this.#runCommand(wanted).then((succeeded) => {
      this.#running = undefined
      if (this.#wanted !== wanted) this.#begin()
      else if (succeeded) this.#wanted = undefined
      else this.#retryLater()
    })
  }

  #retryLater(): void {
    this.#cancelRetry = this.#options.clock.after(this.#backoff.next(), () => this.#begin())
  }

  /** Never rejects; true when the callback did its work, or there is none. */
  async #runCommand(take: () => Snapshot): Promise<boolean> {
    const { registry, clock, logger } = this.#options
    const startedAt = clock.monotonic()
    try {
      const { term } = await registry.confirmLeadership()
      const snapshot = take()
      const { digest, pods } = snapshot
      const last = registry.lastRun()
      if (last === undefined ? pods.length === 0 : last.digest === digest) return true
      const printed = await this.#execute(snapshot, last?.state, term)
      await this.#save({ digest, state: printed === '' ? last?.state : printed }, term)
      this.#failures = 0
      this.#backoff.reset()
      this.#lastError = undefined
      this.#lastSuccess = clock.now()
      logger.info(
        { digest, pods: pods.length, ms: Math.round(clock.monotonic() - startedAt), state: printed !== '' },
        'callback ran'
      )
      return true
    } catch (error) {
      this.#failed(error)
      return false
    }
  }

  #failed(error: unknown): void {
    const { registry, logger, env } = this.#options
    // It quotes what was printed.
    this.#lastError = maskValues(messageOf(error), secretValues(env))
    if (this.#stopping.signal.aborted) return
    if (!registry.leading) {
      logger.warn({ reason: this.#lastError }, 'callback given up, this master does not lead any more')
      return
    }
    this.#failures += 1
    logger.error({ reason: this.#lastError, failures: this.#failures }, 'callback failed, the old state stays')
  }

  /** A store that is away for a moment is no reason to do it all again: only the end of the term is. */
  async #save(run: CallbackRun, term: number): Promise<void> {
    const { registry, logger } = this.#options
    for (;;) {
      try {
        return await registry.saveCallbackRun(run, term)
      } catch (error) {
        const { leadership } = registry
        // With a store of its own, this master counts what it has in memory.
        if (leadership?.until === Infinity) return logger.error({ err: error }, 'callback state not saved')
        if (leadership?.term !== term || findKontrolError(error)?.retryable !== true) throw error
        await sleep(SAVE_AGAIN_MS, undefined, { signal: this.#stopping.signal })
      }
    }
  }

  /** @returns the new state, or an empty text to keep the old one */
  async #execute(snapshot: Snapshot, state: string | undefined, term: number): Promise<string> {
    const { env, folder, timeoutMs, registry, clock, logger } = this.#options
    const until = (): number | undefined => {
      const { leadership } = registry
      return leadership?.term === term ? leadership.until : undefined
    }
    try {
      const input = await prepareCallbackInput({ snapshot, state, env, folder })
      const result = await runOnLeash(
        this.#argv,
        { until, clock },
        {
          env: input,
          timeoutMs,
          graceMs: GRACE_MS,
          // One byte more than allowed shows that there was more.
          maxOutputBytes: MAX_STATE_BYTES + 1,
          signal: this.#stopping.signal
        }
      )
      // What a shell with -x tells, for example, holds all that it was given.
      const said = maskValues(result.stderr.trim(), secretValues(env))
      if (said !== '') logger.info({ stderr: said.slice(-STDERR_LENGTH) }, 'callback wrote to its standard error')
      if (until() === undefined) throw new Error('its leadership ended')
      return checkedState(result, timeoutMs)
    } finally {
      await removeCallbackInput(folder)
    }
  }
}

function checkedState({ code, signal, stdout, timedOut }: SubprocessResult, timeoutMs: number): string {
  if (timedOut) throw new Error(`it was ended after ${timeoutMs / 1000} s`)
  if (code !== 0) throw new Error(howItEnded(code, signal))
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

function howItEnded(code: number | null, signal: NodeJS.Signals | null): string {
  const endedBy = signal ?? signalNames[(code ?? 0) - 128]
  if (endedBy !== undefined) return `it was ended by ${endedBy}`
  return `it exited with ${code}${code === 127 ? ': its program was not found' : ''}`
}

const signalNames: Readonly<Record<number, string>> = Object.fromEntries(
  Object.entries(constants.signals).map(([name, number]) => [number, name])
)
