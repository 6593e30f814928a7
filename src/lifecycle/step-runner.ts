import { findKontrolError, KontrolError, messageOf } from '../errors.ts'
import type { Logger } from '../platform/logger.ts'
import type { Shell } from '../platform/process/shell.ts'
import type { Backends } from '../model/snapshot.ts'
import type { StepInput, StepOutput, TransitionInput } from './manifest/compile-machine.ts'
import type { LifecycleState } from './manifest/manifest.ts'
import { runShellStep } from './shell-step.ts'

export interface ActionContext {
  /** What the transition brought along; empty when the machine moved by itself. */
  readonly input: string | Backends
  /** What an earlier step made. */
  readonly handed: string | undefined
  readonly variables: Readonly<Record<string, string>>
  /** Aborted when a waiting transition wants the step to end. */
  readonly signal: AbortSignal
}

/**
 * A step built into the program. Returns its outcome, with what it made for the
 * steps that follow; throwing is the outcome `failed` with the error kept.
 */
export type Action = (context: ActionContext) => Promise<string | StepOutput | ToldFailure>

/** What an action ends with in place of throwing when it has told of its failure itself. */
interface ToldFailure {
  outcome: 'failed'
  error: unknown
}

export interface StepResult extends StepOutput {
  error?: KontrolError
  /** Whether the log has a line about the error already. */
  told?: boolean
}

export interface StepRunnerOptions {
  actions: Readonly<Record<string, Action>>
  /** Absolute path, for `$SOCKET`. */
  socketPath: string
  /** What scripts inherit. */
  env: NodeJS.ProcessEnv
  shell: Shell
  /** Milliseconds between SIGTERM and SIGKILL. */
  killGraceMs: number
  logger: Logger
}

/**
 * Runs the step of a state and never rejects: `done` or `failed` for a script,
 * whatever an action returns, `killed` for a step that ended on demand.
 */
export class StepRunner {
  readonly #options: StepRunnerOptions

  constructor(options: StepRunnerOptions) {
    this.#options = options
  }

  async runStep(state: LifecycleState, input: StepInput, signal: AbortSignal): Promise<StepResult> {
    try {
      if (state.shell !== undefined) return await this.#runScript(state.tag, state.shell, input, signal)
      if (state.action !== undefined) return await this.#runAction(state.tag, state.action, input, signal)
      return { outcome: 'done' }
    } catch (error) {
      if (signal.aborted) return { outcome: 'killed' }
      return { outcome: 'failed', error: asKontrolError(state.tag, error) }
    }
  }

  async #runScript(tag: string, script: string, step: StepInput, signal: AbortSignal): Promise<StepResult> {
    const { env, shell, socketPath, killGraceMs, logger } = this.#options
    const { code, signal: endedBy } = await runShellStep({
      script,
      input: textOf(step.input),
      env: { ...env, ...step.variables, SOCKET: socketPath },
      signal,
      shell,
      graceMs: killGraceMs,
      logger: logger.child({ state: tag })
    })
    if (signal.aborted) return { outcome: 'killed' }
    if (code === 0) return { outcome: 'done' }
    const how = endedBy === null ? `exit code ${code}` : endedBy
    return { outcome: 'failed', error: stepFailed(`The script of "${tag}" ended with ${how}`) }
  }

  async #runAction(tag: string, name: string, step: StepInput, signal: AbortSignal): Promise<StepResult> {
    const action = this.#options.actions[name]
    if (action === undefined) throw stepFailed(`The action "${name}" of "${tag}" is not built in here`)
    const { input, handed, variables } = step
    const taken = typeof input === 'string' ? input : input()
    const result = await action({ input: taken, handed, variables, signal })
    const ended = typeof result === 'string' ? { outcome: result } : result
    if ('error' in ended) return { outcome: 'failed', error: asTold(ended.error), told: true }
    return ended.outcome === 'failed' ? { ...ended, error: stepFailed(`The step of "${tag}" failed`) } : ended
  }
}

/** What a script, the history and the queue see: backends that are handed as such are for the built-in steps. */
export const textOf = (input: TransitionInput): string => (typeof input === 'string' ? input : '')

const asKontrolError = (tag: string, error: unknown): KontrolError =>
  findKontrolError(error) ?? stepFailed(`The step of "${tag}" failed: ${messageOf(error)}`, error)

/** With the code under which whoever told it has told it, see problemOf(). */
const asTold = (error: unknown): KontrolError =>
  findKontrolError(error) ?? new KontrolError('KTL_UNEXPECTED', messageOf(error), { cause: error })

const stepFailed = (message: string, cause?: unknown): KontrolError =>
  new KontrolError('KTL_STEP_FAILED', message, { hint: 'Read the log of the step at level debug.', cause })
