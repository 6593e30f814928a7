import { beforeEach, describe, expect, it } from 'vitest'
import { Listeners } from '../../../src/platform/listeners.ts'
import { recordingLogger, type RecordingLogger } from '../../support/test-logger.ts'

describe('Listeners', () => {
  let recorded: RecordingLogger
  let listeners: Listeners<number>
  let heard: [name: string, event: number][]

  const hear = (name: string) => (event: number) => void heard.push([name, event])

  beforeEach(() => {
    recorded = recordingLogger()
    listeners = new Listeners('number', recorded.logger)
    heard = []
  })

  it('tells all, in the order in which they came, until they go', () => {
    const unsubscribe = listeners.subscribe(hear('a'))
    listeners.subscribe(hear('b'))
    listeners.emit(1)
    unsubscribe()
    unsubscribe()
    listeners.emit(2)

    expect(heard).toEqual([
      ['a', 1],
      ['b', 1],
      ['b', 2]
    ])
  })

  it('logs a listener that throws and tells the others', () => {
    listeners.subscribe(() => {
      throw new Error('broken')
    })
    listeners.subscribe(hear('b'))
    listeners.emit(1)

    expect(heard).toEqual([['b', 1]])
    expect(recorded.lines).toMatchObject([{ level: 50, msg: 'listener failed', topic: 'number' }])
    expect(recorded.lines[0]?.err).toMatchObject({ message: 'broken' })
  })

  it('lets a listener go while it is told', () => {
    const unsubscribe = listeners.subscribe((event) => {
      hear('once')(event)
      unsubscribe()
    })
    listeners.subscribe(hear('b'))
    listeners.emit(1)
    listeners.emit(2)

    expect(heard).toEqual([
      ['once', 1],
      ['b', 1],
      ['b', 2]
    ])
  })
})
