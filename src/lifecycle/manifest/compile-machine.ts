import { assign, fromPromise, setup, type StateValue } from 'xstate'
import type { Backends } from '../../model/snapshot.ts'
import type { LifecycleState, Manifest } from './manifest.ts'
import { allowedNext } from './reachable-states.ts'

/** A text, as the socket brings it, or what is to be taken when the step starts and not before. */
export type TransitionInput = string | (() => Backends)

export interface StepInput {
  readonly tag: string
  /** What the transition brought along; empty when the machine moved by itself. */
  readonly input: TransitionInput
  /** What the last step that made something made: the configuration that was rendered. */
  readonly handed: string | undefined
  readonly variables: Readonly<Record<string, string>>
}

export interface StepOutput {
  outcome: string
  /** For the steps that follow, until another one makes something. */
  made?: string | undefined
}

interface LifecycleContext {
  input: TransitionInput
  handed: string | undefined
  /** Set by SET commands, seen by every later step. */
  variables: Record<string, string>
}

type LifecycleEvent =
  { type: 'MOVE'; tag: string; input: TransitionInput } | { type: 'SET'; name: string; value: string }

/** Before the first transition; shown as "idle". A percent sign begins no key that `keyOf` makes of a tag by itself. */
const START = '%start'

const lifecycle = setup({
  types: {
    context: {} as LifecycleContext,
    events: {} as LifecycleEvent
  },
  actors: {
    // Replaced with machine.provide() by whoever runs the machine. Never
    // rejects: how a step failed is an outcome like any other.
    runStep: fromPromise<StepOutput, StepInput>(() => {
      throw new Error('runStep was not provided')
    })
  },
  guards: {
    asksFor: ({ event }, { tag }: { tag: string }) => event.type === 'MOVE' && event.tag === tag,
    ended: (_, { as, outcome }: { as: string; outcome: string }) => as === outcome
  },
  actions: {
    takeInput: assign(({ event }) => ({ input: event.type === 'MOVE' ? event.input : '' })),
    dropInput: assign({ input: '' }),
    handOn: assign(({ context }, { made = context.handed }: Pick<StepOutput, 'made'>) => ({ handed: made })),
    setVariable: assign(({ context, event }) =>
      event.type === 'SET' ? { variables: { ...context.variables, [event.name]: event.value } } : {}
    )
  }
})

/**
 * The machine of a manifest: a compound state for each tag, `running` its step
 * and then `resting`, unless `on` names where its outcome leads. MOVE is taken
 * at rest only, and only to where `next` or the terminal state allow.
 */
export function compileMachine(manifest: Manifest) {
  const states: Record<string, ReturnType<typeof compileState> | ReturnType<typeof restingState>> = {
    [START]: restingState(manifest.states.map(({ tag }) => tag))
  }
  for (const state of manifest.states) states[keyOf(state.tag)] = compileState(state, manifest)
  return lifecycle.createMachine({
    id: 'lifecycle',
    context: { input: '', handed: undefined, variables: {} },
    initial: START,
    on: { SET: { actions: 'setVariable' } },
    states
  })
}

export type LifecycleMachine = ReturnType<typeof compileMachine>

interface EndedStep {
  event: { output: StepOutput }
}

const handOn = { type: 'handOn' as const, params: ({ event }: EndedStep) => event.output }

function compileState(state: LifecycleState, manifest: Manifest) {
  return lifecycle.createStateConfig({
    initial: 'running',
    states: {
      running: {
        invoke: {
          src: 'runStep',
          input: ({ context: { input, handed, variables } }) => ({ tag: state.tag, input, handed, variables }),
          onDone: [
            ...Object.entries(state.on ?? {}).map(([outcome, target]) => ({
              guard: {
                type: 'ended' as const,
                params: ({ event }: EndedStep) => ({ as: event.output.outcome, outcome })
              },
              target: `#lifecycle.${keyOf(target)}`,
              reenter: true,
              actions: ['dropInput' as const, handOn]
            })),
            { target: 'resting', actions: handOn }
          ]
        }
      },
      resting: restingState(allowedNext(state, manifest))
    }
  })
}

function restingState(allowed: readonly string[]) {
  return lifecycle.createStateConfig({
    on: {
      MOVE: allowed.map((tag) => ({
        guard: { type: 'asksFor' as const, params: { tag } },
        target: `#lifecycle.${keyOf(tag)}`,
        reenter: true,
        actions: 'takeInput' as const
      }))
    }
  })
}

/** A tag may hold what xstate reads as a path: dots and a leading number sign. */
const keyOf = (tag: string): string => encodeURIComponent(tag).replaceAll('.', '%2E')

export interface Position {
  /** Undefined before the first transition. */
  tag: string | undefined
  phase: 'running' | 'resting'
}

export function positionOf({ value }: { value: StateValue }): Position {
  if (typeof value === 'string') return { tag: undefined, phase: 'resting' }
  const [[key, phase] = [START, 'resting']] = Object.entries(value)
  return { tag: decodeURIComponent(key), phase: phase === 'running' ? 'running' : 'resting' }
}
