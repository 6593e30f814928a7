import { describe, expect, it } from 'vitest'
import { readinessProblems, type ReadinessParts } from '../../../src/controller/readiness.ts'
import type { Problem } from '../../../src/errors.ts'

const dead: Problem = { code: 'KTL_HAPROXY_UNREACHABLE', message: 'HAProxy is not running' }

interface Given {
  atEnd: boolean
  drivesHaproxy?: boolean
  reconfigured?: boolean
  driver?: Problem[]
  lastError?: Problem
}

function problems({ atEnd, drivesHaproxy = true, reconfigured = true, driver = [], lastError }: Given) {
  const parts: ReadinessParts = {
    registry: undefined,
    proxy: {
      automaton: { problem: lastError, atEnd },
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

  it("tell once what made a step fail and is known to HAProxy's driver, also where it has no code of ours", () => {
    const full = (): Problem => ({ code: 'KTL_UNEXPECTED', message: 'ENOSPC: no space left on device, write' })

    expect(problems({ atEnd: false, lastError: full(), driver: [full(), dead] })).toEqual([full(), dead])
  })

  it('leave out a step that could not bring DNS in line: the records are tried again by themselves, and HAProxy serves', () => {
    const throttled: Problem = { code: 'KTL_DNS_UNAVAILABLE', message: 'foo.bar.com: Route53 wants less' }

    expect(problems({ atEnd: false, lastError: throttled })).toEqual([])
    expect(problems({ atEnd: false, lastError: throttled, driver: [dead] })).toEqual([dead])
  })

  it('tell the way back when the terminal state was asked for, and not that HAProxy may come back by itself', () => {
    const told = problems({ atEnd: true, driver: [dead] })

    expect(told).toMatchObject([{ code: 'KTL_SHUT_DOWN' }])
    expect(told[0]?.hint).toContain('new start')
    expect(problems({ atEnd: true, drivesHaproxy: false })).toEqual([])
  })
})
