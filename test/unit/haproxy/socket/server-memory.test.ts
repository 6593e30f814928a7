import { describe, expect, it } from 'vitest'
import { ServerMemory } from '../../../../src/haproxy/socket/server-memory.ts'

const AT = Date.parse('2026-11-29T10:00:00.400Z')

const COUNTERS = { sessions: 0, totalSessions: 0, bytesIn: 0, bytesOut: 0 }

const one = (status: string, time: { stateSeconds?: number }) => [
  { name: 'web', servers: [{ name: 'web-1', address: '10.0.0.1:80', status, ...COUNTERS, ...time }] }
]

describe('ServerMemory', () => {
  const looks = async (...all: [status: string, stateSeconds: number, afterMs: number][]) => {
    const memory = new ServerMemory()
    const moments: (string | undefined)[] = []
    for (const [status, seconds, afterMs] of all) {
      const [proxy] = await memory.told(one(status, { stateSeconds: seconds }), AT + afterMs)
      moments.push(proxy?.servers[0]?.since)
    }
    return moments
  }

  it('tells the same moment at each look, whichever of two seconds HAProxy counts', async () => {
    const since = '2026-11-29T09:59:53.000Z'

    expect(await looks(['DOWN', 7, 0], ['DOWN', 8, 500], ['DOWN', 7, 700], ['DOWN 1/2', 17, 10_000])).toEqual(
      Array.from({ length: 4 }, () => since)
    )
  })

  it('tells another one when the state is another, or began anew', async () => {
    expect(await looks(['DOWN', 0, 0], ['UP', 0, 1_000], ['UP', 3, 9_000])).toEqual([
      '2026-11-29T10:00:00.000Z',
      '2026-11-29T10:00:01.000Z',
      '2026-11-29T10:00:06.000Z'
    ])
  })

  it('tells none where HAProxy does not', async () => {
    expect(await new ServerMemory().told(one('UP', {}), AT)).toEqual(one('UP', {}))
  })

  it('tells what the last check found while the next one is under way, unless that has found something else', async () => {
    const memory = new ServerMemory()
    const look = async (check: string, isBeingChecked?: true) => {
      const [proxy] = one('DOWN', { stateSeconds: 7 })
      const servers = (proxy?.servers ?? []).map((server) => ({
        ...server,
        check,
        ...(isBeingChecked && { isBeingChecked })
      }))
      const [web] = await memory.told([{ name: 'web', servers }], AT)
      const [told] = web?.servers ?? []
      expect(told).not.toHaveProperty('isBeingChecked')
      return told?.check
    }

    expect(await look('L7STS/503, Sorry')).toBe('L7STS/503, Sorry')
    expect(await look('L7STS, Layer7 wrong status', true)).toBe('L7STS/503, Sorry')
    expect(await look('L7STS/500, Oh')).toBe('L7STS/500, Oh')
    expect(await look('L4CON, Layer4 connection problem', true)).toBe('L4CON, Layer4 connection problem')
  })
})
