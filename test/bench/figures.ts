import { percentile } from '../support/load/warm-fleet.ts'
import type { Options } from './table.ts'

const LEAST_ROUNDS = 3

/** Numbers of the rounds: as many as there is time for, and a few in any case. */
export function* rounds({ quick }: Options, most: number, seconds: number): Generator<number> {
  const until = performance.now() + seconds * 1000
  const [least, last] = quick ? [2, 2] : [LEAST_ROUNDS, most]
  for (let round = 0; round < last; round++) {
    if (round >= least && performance.now() > until) return
    yield round
  }
}

/** Where the number of the round does not matter. */
export async function inEach(each: Iterable<number>, work: (round: number) => Promise<void>): Promise<void> {
  for (const round of each) await work(round)
}

export const median = (values: readonly number[]): number => percentile(values, 0.5)

/** Three digits that count, and no more than are whole. */
export function figure(value: number): string {
  if (!Number.isFinite(value)) throw new Error(`${value} is no figure`)
  const size = Math.abs(value)
  const digits = size >= 100 ? 0 : size >= 10 ? 1 : 2
  return value.toLocaleString('en-US', { maximumFractionDigits: digits, minimumFractionDigits: digits })
}

/** The median, and between what the values lie. */
export const spread = (values: readonly number[]): string =>
  `${figure(median(values))} (${figure(Math.min(...values))} to ${figure(Math.max(...values))})`

/** p50 with the least and the most, p99, and how many. */
export const latencies = (values: readonly number[]): string[] => [
  spread(values),
  figure(percentile(values, 0.99)),
  String(values.length)
]

/** Medians of what two did in the same rounds. */
export const ratio = (values: readonly number[], base: readonly number[]): number => median(values) / median(base)

export const atMost = (bound: number, value: number, unit = ''): string =>
  `≤ ${bound}${unit}: ${value <= bound ? 'met' : '**not met**'}`

export const atLeast = (bound: number, value: number): string => `≥ ${bound}: ${value >= bound ? 'met' : '**not met**'}`

export const NONE = '–'
