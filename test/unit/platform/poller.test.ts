import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { Poller } from '../../../src/platform/poller.ts'
import { FakeClock } from '../../support/fake-clock.ts'

/** A poller whose polls end when the test says so. */
function start() {
  const clock = new FakeClock()
  const polls: { resolve: () => void; reject: (error: Error) => void }[] = []
  const errors: unknown[] = []
  const poller = new Poller({
    clock,
    intervalMs: 1_000,
    poll: () => new Promise((resolve, reject) => polls.push({ resolve, reject })),
    onError: (error) => errors.push(error)
  })
  return { clock, polls, errors, poller }
}

describe('Poller', () => {
  it('polls after each interval, counted from the end of the poll before', async () => {
    const { clock, polls, poller } = start()
    poller.start()

    clock.advance(999)
    expect(polls).toHaveLength(0)
    clock.advance(1)
    expect(polls).toHaveLength(1)
    clock.advance(10_000)
    expect(polls).toHaveLength(1)
    polls[0]?.resolve()
    await turn()
    clock.advance(1_000)

    expect(polls).toHaveLength(2)
  })

  it('can begin at once, and only once', () => {
    const { clock, polls, poller } = start()

    poller.startNow()
    poller.startNow()
    poller.start()
    clock.advance(10_000)

    expect(polls).toHaveLength(1)
  })

  it('tells what a poll threw, and goes on', async () => {
    const { clock, polls, errors, poller } = start()
    poller.startNow()

    polls[0]?.reject(new Error('gone'))
    await turn()
    clock.advance(1_000)

    expect(errors).toEqual([new Error('gone')])
    expect(polls).toHaveLength(2)
  })

  it('is stopped when the poll under way has ended, and stays so', async () => {
    const { clock, polls, poller } = start()
    poller.startNow()
    let stopped = false

    const stopping = poller.stop().then(() => (stopped = true))
    await turn()
    expect(stopped).toBe(false)
    polls[0]?.resolve()
    await stopping
    poller.start()
    clock.advance(10_000)

    expect(polls).toHaveLength(1)
  })

  it('begins no poll once it is stopped', async () => {
    const { clock, polls, poller } = start()
    poller.start()

    await poller.stop()
    clock.advance(10_000)

    expect(polls).toHaveLength(0)
  })
})
