import type { Action, ActionContext } from '../../../src/lifecycle/step-runner.ts'

interface StartedStep extends ActionContext {
  end(outcome: string): void
  fail(error: Error): void
}

/** An action that ends when the test says so. */
export interface StepByHand {
  action: Action
  /** One for each time the step was started, the oldest first. */
  started: StartedStep[]
}

export function stepByHand(): StepByHand {
  const started: StartedStep[] = []
  return {
    started,
    action: (context) =>
      new Promise((resolve, reject) => {
        context.signal.addEventListener('abort', () => reject(new Error('aborted')))
        started.push({ ...context, end: resolve, fail: reject })
      })
  }
}
