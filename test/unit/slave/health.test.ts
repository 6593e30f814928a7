import { describe, expect, it } from 'vitest'
import { Health } from '../../../src/slave/health.ts'
import { HealthWatch } from '../../../src/slave/health-watch.ts'
import { parseCheck } from '../../../src/slave/check.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { recordingLogger } from '../../support/test-logger.ts'

describe('health', () => {
  it('rises after as many good checks in a row as asked for, and falls after as many bad ones', () => {
    const health = new Health({ rise: 2, fall: 3 })
    const seen = [true, false, true, true, false, false, true, false, false, false, true].map((isWell) => {
      health.take(isWell)
      return health.isUp
    })

    expect(seen).toEqual([false, false, false, true, true, true, true, true, true, false, false])
  })
})

describe('the health watch', () => {
  it('checks at each interval, and tells each change once', async () => {
    const clock = new FakeClock()
    const { logger, lines } = recordingLogger()
    const results = [undefined, undefined, 'answered 500', 'answered 500', 'answered 500', undefined, undefined]
    const told: string[] = []
    const watch = new HealthWatch({
      check: parseCheck('http://127.0.0.1/health'),
      intervalMs: 1000,
      rise: 2,
      fall: 2,
      onUp: () => told.push('up'),
      onDown: () => told.push('down'),
      clock,
      logger,
      run: async () => {
        told.push('check')
        return results.shift()
      }
    })

    watch.start()
    for (let second = 0; second < 6; second++) {
      await new Promise(setImmediate)
      clock.advance(1000)
    }
    await new Promise(setImmediate)
    watch.stop()
    clock.advance(10_000)

    const check = 'check'
    expect(told).toEqual([check, check, 'up', check, check, 'down', check, check, check, 'up'])
    expect(lines.map(({ msg }) => msg)).toEqual([
      'service is well, this pod reports',
      'service is not well, this pod leaves',
      'service is well, this pod reports'
    ])
  })
})
