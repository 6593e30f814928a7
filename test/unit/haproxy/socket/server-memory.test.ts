import { describe, expect, it } from 'vitest'
import { ServerMemory } from '../../../../src/haproxy/socket/server-memory.ts'

const AT = Date.parse('2026-11-29T10:00:00.400Z')

const COUNTERS = { sessions: 0, totalSessions: 0, bytesIn: 0, bytesOut: 0 }

const one = (status: string, time: { stateSeconds?: number }) => [
  { name: 'web', servers: [{ name: 'web-1', address: '10.0.0.1:80', status, ...COUNTERS, ...time }] }
]

describe('ServerMemory', () => {
  const looks = (...all: [status: string, stateSeconds: number, afterMs: number][]): (string | undefined)[] => {
    const memory = new ServerMemory()
    return all.map(
      ([status, seconds, afterMs]) =>
        memory.told(one(status, { stateSeconds: seconds }), AT + afterMs)[0]?.servers[0]?.since
    )
  }

  it('tells the same moment at each look, whichever of two seconds HAProxy counts', () => {
    const since = '2026-11-29T09:59:53.000Z'

    expect(looks(['DOWN', 7, 0], ['DOWN', 8, 500], ['DOWN', 7, 700], ['DOWN 1/2', 17, 10_000])).toEqual(
      Array.from({ length: 4 }, () => since)
    )
  })

  it('tells another one when the state is another, or began anew', () => {
    expect(looks(['DOWN', 0, 0], ['UP', 0, 1_000], ['UP', 3, 9_000])).toEqual([
      '2026-11-29T10:00:00.000Z',
      '2026-11-29T10:00:01.000Z',
      '2026-11-29T10:00:06.000Z'
    ])
  })

  it('tells none where HAProxy does not', () => {
    expect(new ServerMemory().told(one('UP', {}), AT)).toEqual(one('UP', {}))
  })

  it('tells what the last check found while the next one is under way, unless that has found something else', () => {
    const memory = new ServerMemory()
    const look = (check: string, isBeingChecked?: true) => {
      const [proxy] = one('DOWN', { stateSeconds: 7 })
      const servers = (proxy?.servers ?? []).map((server) => ({
        ...server,
        check,
        ...(isBeingChecked && { isBeingChecked })
      }))
      const [told] = memory.told([{ name: 'web', servers }], AT)[0]?.servers ?? []
      expect(told).not.toHaveProperty('isBeingChecked')
      return told?.check
    }

    expect(look('L7STS/503, Sorry')).toBe('L7STS/503, Sorry')
    expect(look('L7STS, Layer7 wrong status', true)).toBe('L7STS/503, Sorry')
    expect(look('L7STS/500, Oh')).toBe('L7STS/500, Oh')
    expect(look('L4CON, Layer4 connection problem', true)).toBe('L4CON, Layer4 connection problem')
  })
})
