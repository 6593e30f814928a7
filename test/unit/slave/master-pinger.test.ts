import { describe, expect, it } from 'vitest'
import { type MasterConnection, MasterPinger } from '../../../src/slave/master-pinger.ts'
import { eventually } from '../../support/eventually.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { recordingLogger } from '../../support/test-logger.ts'

/** A master at the other end of a wire: each ping waits until the test answers it. */
class WireDouble implements MasterConnection {
  readonly sent: { text: string; at: number }[] = []
  closed = false
  #answers: { resolve: () => void; reject: (error: Error) => void }[] = []
  readonly #clock: FakeClock

  constructor(clock: FakeClock) {
    this.#clock = clock
  }

  send(text: string): Promise<void> {
    this.sent.push({ text, at: this.#clock.now() })
    return new Promise((resolve, reject) => this.#answers.push({ resolve, reject }))
  }

  async close(): Promise<void> {
    this.closed = true
  }

  async answer(failure?: string): Promise<void> {
    const { resolve, reject } = await eventually(() => this.#answers.shift())
    if (failure === undefined) resolve()
    else reject(new Error(failure))
    // Lets the pinger take notice.
    await new Promise(setImmediate)
  }
}

function pinger(random = 1) {
  const clock = new FakeClock()
  const wire = new WireDouble(clock)
  const { logger, lines } = recordingLogger()
  let body = 'one'
  const subject = new MasterPinger({
    master: 'm',
    connection: wire,
    periodMs: 18_750,
    timeoutMs: 1000,
    keepalive: () => body,
    clock,
    logger,
    random: () => random
  })
  const gaps = () => wire.sent.slice(1).map(({ at }, i) => at - (wire.sent[i]?.at ?? 0))
  return { subject, clock, wire, lines, gaps, setBody: (text: string) => (body = text) }
}

describe('MasterPinger', () => {
  it('pings at once and then each period, counted from the start of a ping', async () => {
    const { subject, clock, wire, gaps } = pinger()

    subject.ping()
    clock.advance(400)
    await wire.answer()
    clock.advance(18_350)
    await wire.answer()
    clock.advance(18_750)

    expect(gaps()).toEqual([18_750, 18_750])
  })

  it('retries quickly, then with growing pauses, and never more slowly than the period', async () => {
    const { subject, clock, wire, gaps } = pinger()

    subject.ping()
    for (let i = 0; i < 9; i++) {
      await wire.answer('refused')
      while (wire.sent.length === i + 1) clock.advance(1)
    }

    expect(gaps()).toEqual([500, 1000, 2000, 4000, 8000, 16_000, 18_750, 18_750, 18_750])
  })

  it.each([
    ['half of each pause at the least', 0, [250, 500, 1000, 2000]],
    ['the whole of each pause at the most', 1, [500, 1000, 2000, 4000]]
  ])('waits %s', async (_what, random, expected) => {
    const { subject, clock, wire, gaps } = pinger(random)

    subject.ping()
    for (const pause of expected) {
      await wire.answer('refused')
      clock.advance(pause - 1)
      expect(wire.sent.length).toBe(gaps().length + 1)
      clock.advance(1)
    }

    expect(gaps()).toEqual(expected)
  })

  it('returns to the period once the master answers again', async () => {
    const { subject, clock, wire, gaps } = pinger()

    subject.ping()
    await wire.answer('refused')
    clock.advance(500)
    await wire.answer()
    clock.advance(18_750)

    expect(gaps()).toEqual([500, 18_750])
    expect(subject.status()).toMatchObject({ reachable: true, failures: 0, lastError: undefined })
  })

  it('sends a change at once, and after the ping on its way when there is one', async () => {
    const { subject, wire, setBody } = pinger()

    subject.ping()
    setBody('two')
    subject.ping()
    subject.ping()
    expect(wire.sent.length).toBe(1)
    await wire.answer()

    expect(wire.sent.map(({ text }) => text)).toEqual(['one', 'two'])
  })

  it('takes leave after the ping on its way, and pings no more', async () => {
    const { subject, clock, wire } = pinger()

    subject.ping()
    const left = subject.leave('farewell')
    expect(wire.sent.length).toBe(1)
    await wire.answer()
    await wire.answer()
    await left
    subject.ping()
    clock.advance(60_000)

    expect(wire.sent.map(({ text }) => text)).toEqual(['one', 'farewell'])
    expect(wire.closed).toBe(true)
  })

  it('leaves although the master does not answer, and says so', async () => {
    const { subject, wire, lines } = pinger()

    const left = subject.leave('farewell')
    await wire.answer('refused')
    await left

    expect(lines).toMatchObject([{ msg: 'master not told that this pod leaves', master: 'm', reason: 'refused' }])
  })

  it('logs one line when a master goes away, one for a new reason, and one when it is back', async () => {
    const { subject, clock, wire, lines } = pinger()

    subject.ping()
    await wire.answer()
    clock.advance(18_750)
    for (const reason of ['refused', 'refused', 'refused', 'timeout']) {
      await wire.answer(reason)
      clock.advance(18_750)
    }
    await wire.answer()

    expect(lines.map(({ msg, reason }) => [msg, reason])).toEqual([
      ['master reached', undefined],
      ['master does not take keepalives', 'refused'],
      ['master does not take keepalives', 'timeout'],
      ['master reached again', undefined]
    ])
  })

  it('reports how the master is doing', async () => {
    const { subject, clock, wire } = pinger()
    expect(subject.status()).toEqual({
      master: 'm',
      reachable: false,
      lastSuccess: undefined,
      failures: 0,
      lastError: undefined
    })

    subject.ping()
    await wire.answer('refused')

    expect(subject.status()).toMatchObject({ reachable: false, failures: 1, lastError: 'refused' })
    clock.advance(500)
    await wire.answer()
    expect(subject.status()).toMatchObject({ reachable: true, lastSuccess: clock.now() })
  })
})
