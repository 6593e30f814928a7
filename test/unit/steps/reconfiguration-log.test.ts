import { describe, expect, it, vi } from 'vitest'
import { KontrolError } from '../../../src/errors.ts'
import { ReconfigurationLog } from '../../../src/steps/reconfiguration-log.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { recordingLogger } from '../../support/test-logger.ts'

function start() {
  const { logger, lines } = recordingLogger()
  return { log: new ReconfigurationLog({ clock: new FakeClock(), logger }), lines }
}

describe('ReconfigurationLog', () => {
  it('keeps what caused a round, how it was planned, and the time of each phase', async () => {
    const { log, lines } = start()
    log.noteCause('pod-up web 10.0.0.1 (new)')

    log.begin('asked to render')
    await log.measure('render', () => 'text')
    await log.measure('configure', async () => 'done')
    log.planned({ plan: 'runtime', operations: 1, reasons: [], diff: '+ server' })
    log.end('applied')

    expect(log.entries()).toMatchObject([
      {
        id: 1,
        cause: 'pod-up web 10.0.0.1 (new)',
        plan: 'runtime',
        operations: 1,
        outcome: 'applied',
        error: null,
        diff: '+ server'
      }
    ])
    expect(Object.keys(log.entries()[0]?.phases ?? {})).toEqual(['render', 'configure'])
    expect(lines).toHaveLength(1)
    expect(lines[0]).toMatchObject({ level: 30, msg: 'reconfigured', plan: 'runtime', outcome: 'applied' })
  })

  it('goes on behind those of an earlier start, which say nothing of this one', async () => {
    const { log: first } = start()
    first.begin('asked to render')
    first.end('applied')
    const { logger } = recordingLogger()
    const log = new ReconfigurationLog({ clock: new FakeClock(), logger, former: first.entries() })

    expect(log.hasEnded).toBe(false)
    log.begin('asked to render')
    expect(log.hasEnded).toBe(false)
    log.end('unchanged')

    expect(log.hasEnded).toBe(true)
    expect(log.entries().map(({ id, outcome }) => [id, outcome])).toEqual([
      [1, 'applied'],
      [2, 'unchanged']
    ])
  })

  it('puts in front what says more than what was noted before it', () => {
    const { log } = start()
    for (const ip of [1, 2, 3, 4]) log.noteCause(`pod-down web 10.0.0.${ip} (expired)`)
    log.noteCause('pods-held web (9 silent at once, 4 of them taken back)', 'first')

    log.begin('asked to render')

    expect(log.entries()[0]?.cause).toBe(
      'pods-held web (9 silent at once, 4 of them taken back), ' +
        'pod-down web 10.0.0.1 (expired), pod-down web 10.0.0.2 (expired) and 2 more'
    )
  })

  it('ends the round of a phase that fails, with the code, the message and the hint', async () => {
    const { log, lines } = start()
    const failure = new KontrolError('KTL_TEMPLATE_INVALID', 'line 3: oops', { hint: 'Mend it.' })
    log.begin('asked to render')

    await expect(log.measure('render', () => Promise.reject(failure))).rejects.toBe(failure)

    const error = { code: 'KTL_TEMPLATE_INVALID', message: 'line 3: oops', hint: 'Mend it.' }
    expect(log.entries()).toMatchObject([{ outcome: 'failed', error }])
    expect(log.entries()[0]?.phases.render).toBeGreaterThanOrEqual(0)
    expect(lines[0]).toMatchObject({ level: 50, msg: 'reconfiguration failed', ...error })
  })

  it('names the first causes and counts the others', () => {
    const { log } = start()
    for (let n = 1; n <= 5; n++) log.noteCause(`cause ${n}`)

    log.begin('unused')
    log.end('unchanged')

    expect(log.entries()[0]?.cause).toBe('cause 1, cause 2, cause 3 and 2 more')
  })

  it('begins a round by itself for a phase that nobody announced', async () => {
    const { log } = start()

    await log.measure('restart', () => undefined)
    log.end('reloaded')

    expect(log.entries()).toMatchObject([{ cause: 'asked to restart', outcome: 'reloaded' }])
  })

  it('keeps the last hundred', () => {
    const { log } = start()

    for (let n = 0; n < 250; n++) {
      log.begin('again')
      log.end('unchanged')
    }

    expect(log.entries()).toHaveLength(100)
    expect(log.entries().at(-1)?.id).toBe(250)
  })

  it('tells each round when it has ended, until the listener leaves', () => {
    const { log } = start()
    const listener = vi.fn()
    const unsubscribe = log.subscribe(listener)

    log.begin('one')
    log.end('applied')
    unsubscribe()
    log.begin('two')
    log.end('applied')

    expect(listener).toHaveBeenCalledTimes(1)
    expect(listener).toHaveBeenCalledWith(expect.objectContaining({ cause: 'one', outcome: 'applied' }))
  })
})
