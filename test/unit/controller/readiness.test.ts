import { describe, expect, it } from 'vitest'
import { readinessProblems, type ReadinessParts } from '../../../src/controller/readiness.ts'
import type { Problem } from '../../../src/errors.ts'

const dead: Problem = { code: 'KTL_HAPROXY_UNREACHABLE', message: 'HAProxy is not running' }

function problems(proxy: { atEnd: boolean; drivesHaproxy?: boolean; reconfigured?: boolean; driver?: Problem[] }) {
  const { atEnd, drivesHaproxy = true, reconfigured = true, driver = [] } = proxy
  const parts: ReadinessParts = {
    registry: undefined,
    proxy: {
      automaton: { problem: undefined, atEnd, status: () => ({ lastError: null }) },
      driver: { problems: () => driver, findings: () => [] },
      reconfigurations: { hasEnded: reconfigured },
      drivesHaproxy
    }
  }
  return readinessProblems(parts)
}

describe('readinessProblems', () => {
  it('are none of a proxy that serves, and tell one that has not begun from one that does not serve', () => {
    expect(problems({ atEnd: false })).toEqual([])
    expect(problems({ atEnd: false, reconfigured: false })).toMatchObject([{ code: 'KTL_STARTING' }])
    expect(problems({ atEnd: false, driver: [dead] })).toEqual([dead])
  })

  it('tell the way back when the terminal state was asked for, and not that HAProxy may come back by itself', () => {
    const told = problems({ atEnd: true, driver: [dead] })

    expect(told).toMatchObject([{ code: 'KTL_SHUT_DOWN' }])
    expect(told[0]?.hint).toContain('new start')
    expect(problems({ atEnd: true, drivesHaproxy: false })).toEqual([])
  })
})
