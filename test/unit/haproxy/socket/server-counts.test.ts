import { describe, expect, it } from 'vitest'
import { counted, type ServerStatus } from '../../../../src/haproxy/socket/status.ts'

const COUNTERS = { sessions: 0, totalSessions: 0, bytesIn: 0, bytesOut: 0 }

const server = (name: string, status: string, left?: true): ServerStatus => ({
  ...{ name, status, address: '10.0.0.1:80', ...COUNTERS },
  ...(left && { left })
})

describe('the servers of a proxy', () => {
  it('are counted by what HAProxy says of them, without those whose pods have left', async () => {
    const servers = [
      ...['UP', 'UP 1/2', 'no check', 'DOWN', 'DOWN 1/2', 'MAINT', 'DRAIN'].map((status) => server(status, status)),
      server('gone', 'DOWN', true)
    ]

    const [web, empty] = await counted([
      { name: 'web', servers },
      { name: 'empty', servers: [] }
    ])

    expect(web?.serverCount).toEqual({ all: 7, down: 2, out: 2, names: ['DOWN', 'DOWN 1/2'] })
    expect(empty?.serverCount).toEqual({ all: 0, down: 0, out: 0, names: [] })
  })

  it('are counted in turns of the event loop, and three that are down are named', async () => {
    let turns = 0
    let counting = true
    const count = (): void => {
      turns++
      if (counting) setImmediate(count)
    }
    setImmediate(count)
    const servers = Array.from({ length: 300_000 }, (_, n) => server(`s${n}`, 'DOWN'))

    const [web] = await counted([{ name: 'web', servers }]).finally(() => (counting = false))

    expect(web?.serverCount).toEqual({ all: 300_000, down: 300_000, out: 0, names: ['s0', 's1', 's2'] })
    expect(turns).toBeGreaterThan(0)
  })
})
