import { describe, expect, it } from 'vitest'
import { isoTime, withIsoTimes } from '../../../src/model/iso-time.ts'

describe('times that are shown', () => {
  it('are ISO 8601 in UTC', () => {
    expect(isoTime(1_795_000_000_123)).toBe('2026-11-18T11:06:40.123Z')
  })

  it.each([1e300, -1e300, Infinity])('fail nobody, whatever a store gave for one: %j', (ms) => {
    expect(isoTime(ms)).toMatch(/^[+-]2?\d{6}-/)
  })

  it('stand where the milliseconds stood, and what is absent stays so', () => {
    const record: { name: string; checked?: number; ttl: number } = { name: 'n', checked: 0, ttl: 60 }

    expect(JSON.stringify(withIsoTimes(record, 'checked'))).toBe(
      '{"name":"n","checked":"1970-01-01T00:00:00.000Z","ttl":60}'
    )
    expect(withIsoTimes({ ttl: 60 } as typeof record, 'checked')).toEqual({ ttl: 60 })
  })
})
