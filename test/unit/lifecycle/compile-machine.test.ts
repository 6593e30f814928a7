import { describe, expect, it } from 'vitest'
import { createActor, fromPromise } from 'xstate'
import {
  compileMachine,
  positionOf,
  type StepInput,
  type StepOutput
} from '../../../src/lifecycle/manifest/compile-machine.ts'
import { parseManifest } from '../../../src/lifecycle/manifest/manifest.ts'
import { eventually } from '../../support/eventually.ts'

const { manifest } = parseManifest(`
initial: a
terminal: z
states:
- { tag: a, shell: a, on: { good: b }, next: [a, b] }
- { tag: b, shell: b, next: [c*] }
- { tag: cc }
- { tag: z, next: ['*'] }
`)

/** The compiled machine, whose steps end with the given outcomes in turn, and then no more. */
function startMachine(...outcomes: (string | StepOutput)[]) {
  const steps: StepInput[] = []
  const runStep = fromPromise<StepOutput, StepInput>(({ input }) => {
    const outcome = outcomes[steps.push(input) - 1]
    return outcome === undefined
      ? new Promise(() => {})
      : Promise.resolve(typeof outcome === 'string' ? { outcome } : outcome)
  })
  const actor = createActor(compileMachine(manifest).provide({ actors: { runStep } })).start()
  const position = () => positionOf(actor.getSnapshot())
  const move = (tag: string, input = '') => ({ type: 'MOVE', tag, input }) as const
  return { actor, steps, position, move, can: (tag: string) => actor.getSnapshot().can(move(tag)) }
}

describe('the machine of a manifest', () => {
  it('rests before every state, and may move to all of them', () => {
    const { position, can } = startMachine()

    expect(position()).toEqual({ tag: undefined, phase: 'resting' })
    expect(['a', 'b', 'cc', 'z', 'd'].map(can)).toEqual([true, true, true, true, false])
  })

  it('takes no request while a step runs', () => {
    const { actor, position, move, can } = startMachine()
    actor.send(move('a'))
    actor.send(move('z'))

    expect(position()).toEqual({ tag: 'a', phase: 'running' })
    expect(can('z')).toBe(false)
  })

  it('may move at rest to what next and the terminal state allow', async () => {
    const { actor, position, move, can } = startMachine('bad')
    actor.send(move('a'))
    await eventually(() => position().phase === 'resting')

    expect(['a', 'b', 'cc', 'z'].map(can)).toEqual([true, true, false, true])
  })

  it('hands what a step made to those that follow, until another one makes something', async () => {
    const { actor, steps, position, move } = startMachine({ outcome: 'good', made: 'text' }, 'done', 'done')
    actor.send(move('a'))
    await eventually(() => position().phase === 'resting')
    actor.send(move('cc'))

    expect(steps.map(({ tag, handed }) => [tag, handed])).toEqual([
      ['a', undefined],
      ['b', 'text'],
      ['cc', 'text']
    ])
  })

  it('moves by itself where the outcome leads, without the input', async () => {
    const { actor, steps, position, move } = startMachine('good', 'done')
    actor.send({ type: 'SET', name: 'N', value: '1' })
    actor.send(move('a', 'hosts'))
    await eventually(() => position().phase === 'resting')

    expect(position().tag).toBe('b')
    expect(steps).toEqual([
      { tag: 'a', input: 'hosts', variables: { N: '1' } },
      { tag: 'b', input: '', variables: { N: '1' } }
    ])
  })

  it('moves nowhere from the terminal state', async () => {
    const { actor, position, move, can } = startMachine('done')
    actor.send(move('z'))
    await eventually(() => position().phase === 'resting')

    expect(['a', 'b', 'cc', 'z'].map(can)).toEqual([false, false, false, false])
  })
})
