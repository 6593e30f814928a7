import { describe, expect, it, vi } from 'vitest'
import type { ErrorCode } from '../../../src/errors.ts'
import { Retry } from '../../../src/controller/retry.ts'
import type { Reconfiguration } from '../../../src/model/reconfiguration.ts'
import { FakeClock } from '../../support/fake-clock.ts'

const round = (outcome: Reconfiguration['outcome'], code?: ErrorCode): Reconfiguration => ({
  ...{ id: 1, cause: 'c', causedAt: 0, startedAt: 0, plan: 'reload', operations: 0, reasons: [], phases: {}, diff: '' },
  outcome,
  error: code === undefined ? null : { code, message: 'm' }
})

function start() {
  const clock = new FakeClock()
  const again = vi.fn()
  return { clock, again, retry: new Retry({ clock, again }) }
}

describe('Retry', () => {
  it('tries a failed reload again, with growing pauses', () => {
    const { clock, again, retry } = start()

    retry.ended(round('failed', 'KTL_HAPROXY_RELOAD_FAILED'))
    clock.advance(1_000)
    expect(again).toHaveBeenCalledTimes(1)
    retry.ended(round('failed', 'KTL_HAPROXY_RELOAD_FAILED'))
    clock.advance(1_499)
    expect(again).toHaveBeenCalledTimes(1)
    clock.advance(1)

    expect(again).toHaveBeenCalledTimes(2)
    expect(again).toHaveBeenCalledWith('trying again after KTL_HAPROXY_RELOAD_FAILED')
  })

  it('is put off by nothing that fails meanwhile', () => {
    const { clock, again, retry } = start()

    for (let n = 0; n < 50; n++) retry.ended(round('failed', 'KTL_UNEXPECTED'))
    clock.advance(1_000)
    expect(again).toHaveBeenCalledTimes(1)
    retry.ended(round('failed', 'KTL_UNEXPECTED'))
    clock.advance(1_500)

    expect(again).toHaveBeenCalledTimes(2)
  })

  it('leaves a broken template to its repair', () => {
    const { clock, again, retry } = start()

    retry.ended(round('failed', 'KTL_TEMPLATE_INVALID'))
    retry.ended(round('failed', 'KTL_HAPROXY_CONFIG_REJECTED'))
    clock.advance(600_000)

    expect(again).not.toHaveBeenCalled()
  })

  it('forgets about it when a later round ends well, or when it is stopped', () => {
    const { clock, again, retry } = start()

    retry.ended(round('failed', 'KTL_HAPROXY_RELOAD_FAILED'))
    retry.ended(round('applied'))
    retry.ended(round('failed', 'KTL_HAPROXY_RELOAD_FAILED'))
    retry.stop()
    clock.advance(600_000)

    expect(again).not.toHaveBeenCalled()
  })
})
