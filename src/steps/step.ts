/** What the automaton hands to a step. */
interface StepContext {
  /** What came with the transition; empty when nothing did. */
  readonly input: string
  /** Aborted when a newer transition may not wait any longer. */
  readonly signal: AbortSignal
}

/** A built-in action of a state: resolves with its outcome, throws when it failed. */
export type Step = (context: StepContext) => Promise<string>
