import { describe, expect, it, vi } from 'vitest'
import { Damper } from '../../../src/controller/damper.ts'
import { FakeClock } from '../../support/fake-clock.ts'

function start(windowMs = 1000) {
  const clock = new FakeClock()
  const act = vi.fn()
  return { clock, act, damper: new Damper({ windowMs, clock, act }) }
}

describe('Damper', () => {
  it('acts at once after a quiet time', () => {
    const { act, damper } = start()

    damper.push()

    expect(act).toHaveBeenCalledTimes(1)
  })

  it('gathers what follows and acts once when the window ends', () => {
    const { clock, act, damper } = start()
    damper.push()
    for (let n = 0; n < 50; n++) damper.push()

    clock.advance(999)
    expect(act).toHaveBeenCalledTimes(1)
    clock.advance(1)
    expect(act).toHaveBeenCalledTimes(2)
  })

  it('acts at once again after a window without a push', () => {
    const { clock, act, damper } = start()
    damper.push()
    clock.advance(1000)

    damper.push()

    expect(act).toHaveBeenCalledTimes(2)
  })

  it('is not starved by a steady stream', () => {
    const { clock, act, damper } = start()

    for (let ms = 0; ms < 10_000; ms += 100) {
      damper.push()
      clock.advance(100)
    }

    // Once at the start, then at the end of each of ten windows.
    expect(act).toHaveBeenCalledTimes(11)
  })

  it('passes every push at once with a window of 0', () => {
    const { act, damper } = start(0)

    damper.push()
    damper.push()

    expect(act).toHaveBeenCalledTimes(2)
  })

  it('does not act after it was stopped', () => {
    const { clock, act, damper } = start()
    damper.push()
    damper.push()

    damper.stop()
    clock.advance(5000)

    expect(act).toHaveBeenCalledTimes(1)
  })
})
