import { describe, expect, it } from 'vitest'
import { lawOf, lawOfSmaller, lawThrough, valueAt, type Law } from '../../bench/scaling/law.ts'
import * as model from '../../bench/scaling/model.ts'
import { planTables } from '../../bench/scaling/plan-tables.ts'
import { mergedRounds, periodicQueue, returningPods } from '../../bench/scaling/simulation.ts'
import { SeededRandom } from '../../support/seeded-random.ts'

const line = (each: number, fixed = 0): Law => ({ power: 1, fixed, each })

const constants: model.Constants = {
  keepaliveUs: 50,
  sweepMs: line(1e-5),
  podsMb: line(7e-4),
  connectionsMb: line(0.01, 90),
  roundMs: line(0.004, 5),
  loadMs: { power: 2, fixed: 40, each: 2e-5 },
  loadApartMs: line(0.01, 40),
  haproxyMb: line(0.006, 20),
  checkCores: line(1.5e-5, 0.01),
  beatUs: line(3, 1_000),
  toldUs: 40,
  heardUs: 2
}
const fleet = (proxies: number, pods: number): model.Fleet => ({ proxies, pods, ttl: 25, fover: 10, inter: 5 })
const within = (share: number, one: number, other: number): void => {
  expect(one / other).toBeGreaterThan(1 - share)
  expect(one / other).toBeLessThan(1 + share)
}

describe('a law', () => {
  const points = [1, 2, 4, 10].map((size) => ({ size, value: 3 + 2 * size ** 2 }))

  it('goes through what it was laid through', () => {
    expect(valueAt(lawThrough(2, points), 10)).toBeCloseTo(203)
    expect(valueAt(lawThrough(1, points.slice(0, 2)), 2)).toBeCloseTo(11)
  })

  it('of the smaller sizes does not know the largest', () => {
    const series = { what: '', of: '', unit: '', power: 1 as const, points }

    expect(valueAt(lawOfSmaller(series), 4)).toBeCloseTo(35)
    expect(valueAt(lawOf(series), 10)).toBeCloseTo(203)
  })

  it('takes what falls for noise, and nothing for less than nothing', () => {
    expect(
      lawThrough(
        1,
        [5, 3].map((value, size) => ({ size, value }))
      )
    ).toMatchObject({ fixed: 4, each: 0 })
    expect(
      lawThrough(1, [
        { size: 1, value: 1 },
        { size: 2, value: 4 }
      ])
    ).toMatchObject({ fixed: 0, each: 2 })
  })
})

describe('the model of a fleet', () => {
  it('counts keepalives, beats and what they make etcd tell', () => {
    expect(model.keepalivesASecond(10_000, 25)).toBeCloseTo(533.3, 1)
    expect(model.beatsASecond(fleet(1_000, 0))).toBe(800)
    expect(model.toldASecond(fleet(1_000, 0))).toBe(800_000)
    // A short KONTROL_FOVER makes masters speak more often.
    expect(model.beatEvery({ ttl: 60, fover: 3 })).toBe(1)
  })

  it('has each master hear all pods without etcd, and its share of them with it', () => {
    const [alone, shared] = [model.alone, model.shared].map((of) => of(constants, fleet(10, 10_000)))

    expect(alone).toMatchObject({ connections: 10_000, ofPod: 10 / 18.75, etcdCores: 0 })
    expect(shared).toMatchObject({ connections: 1_000, keepalives: (alone?.keepalives ?? NaN) / 10 })
  })

  it('names what is fullest first', () => {
    expect(model.usesOf(constants, fleet(1_000, 10_000), model.shared)[0]?.what).toBe('etcd')
    expect(model.usesOf(constants, fleet(10, 1_000_000), model.alone)[0]?.what).toBe('text')
    expect(
      model.usesOf(constants, fleet(10, 1_000_000), model.shared).find(({ what }) => what === 'pods of a registry')
    ).toEqual({ what: 'pods of a registry', share: 5 })
  })

  it('has Route53 asked by all that lead: one with etcd, each without', () => {
    const [alone, shared] = [model.alone, model.shared].map((of) => of(constants, fleet(100, 10_000)).writers)

    expect([alone, shared]).toEqual([100, 1])
    expect(model.dnsRoundSeconds({ names: 1, values: 10 })).toBe(3 / 5)
    expect(model.dnsRoundSeconds({ names: 10, values: 100 })).toBe((10 + 2 * 2) / 5)
  })

  it('is shown for each size as a row', () => {
    const [pods, fleets] = planTables(constants)

    expect(pods?.rows.map(([size]) => size)).toEqual(['10,000', '100,000', '1,000,000'])
    expect(fleets?.rows).toHaveLength(18)
    expect(fleets?.rows.every((row) => row.length === fleets.columns.length)).toBe(true)
  })
})

describe('the simulation', () => {
  it('is the same in every run', () => {
    const run = () => periodicQueue({ sources: 100, periodMs: 10, serviceMs: 0.05, periods: 2 }, new SeededRandom(1))

    expect(run()).toEqual(run())
  })

  it('waits as the formula says while there is room, and falls behind where there is none', () => {
    const queue = { sources: 50_000, periodMs: 1_000, periods: 2 }
    const [busy, full] = [0.014, 0.03].map((serviceMs) => periodicQueue({ ...queue, serviceMs }, new SeededRandom(1)))

    within(0.1, model.meanWaitMs(0.014, 0.7), busy?.meanWaitMs ?? NaN)
    within(0.1, 2 * 500, full?.lastWaitMs ?? NaN)
    expect(model.meanWaitMs(0.03, 1.5)).toBe(Infinity)
  })

  it('has the slaves of a master that is back come a third faster, and not at once', () => {
    const back = returningPods({ pods: 5_000, periodMs: 18_750, awayMs: 60_000 }, new SeededRandom(1))

    within(0.1, model.returningASecond(5_000, 25), back)
  })

  it.each([
    { rate: 0.1, window: 1, round: 0.05 },
    { rate: 1, window: 1, round: 0.3 },
    { rate: 20, window: 0.2, round: 0.05 },
    { rate: 3, window: 0, round: 0.7 }
  ])('lets changes share rounds as the formula says: $rate a second, a window of $window s', (changes) => {
    const found = mergedRounds(changes, 2_000, new SeededRandom(1))

    within(0.15, model.roundsASecond(changes), found.roundsASecond)
    within(0.15, model.meanUntilLive(changes), found.meanUntilLive)
  })
})
