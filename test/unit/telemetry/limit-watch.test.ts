import { describe, expect, it } from 'vitest'
import type { Problem } from '../../../src/errors.ts'
import { LimitWatch } from '../../../src/telemetry/limit-watch.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { recordingLogger } from '../../support/test-logger.ts'

describe('the watch over limits', () => {
  it('tells of each before it is reached, once, and again when it comes near anew', () => {
    const clock = new FakeClock()
    const { logger, lines } = recordingLogger()
    const told: Problem[] = []
    let used = 79
    const uses = () => [
      { limit: 'pods_per_app', used, max: 100, of: 'web' },
      { limit: 'pods', used: 0, max: 100 }
    ]
    const watch = new LimitWatch({ uses, onNear: (problem) => void told.push(problem), clock, logger })
    watch.start()
    const at = (value: number): number => {
      used = value
      clock.advance(1_000)
      return told.length
    }

    expect([at(79), at(80), at(100), at(75), at(81), at(69), at(80)]).toEqual([0, 1, 1, 1, 1, 1, 2])
    expect(told[0]).toMatchObject({ code: 'KTL_LIMIT_NEAR', message: 'pods_per_app: 80 of 100 are used by web' })
    expect(lines.map(({ msg }) => msg)).toEqual(['limit nearly reached', 'limit nearly reached'])
    watch.stop()
    expect([at(0), at(100)]).toEqual([2, 2])
  })
})
