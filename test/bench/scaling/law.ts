/** How a quantity grows with a size: not at all, as a line, or with the square. */
export interface Law {
  readonly power: 0 | 1 | 2
  readonly fixed: number
  readonly each: number
}

export interface Point {
  readonly size: number
  readonly value: number
}

/**
 * Laid through the first and the last point. What falls where it should grow is noise of the machine: it is taken not to
 * grow, and what is not there at size nothing is not taken to be less than nothing.
 */
export function lawThrough(power: Law['power'], points: readonly Point[]): Law {
  const [first, last] = [points[0], points.at(-1)]
  if (first === undefined || last === undefined) throw new Error('a law needs a point')
  const mean = points.reduce((sum, { value }) => sum + value, 0) / points.length
  const [from, to] = [first.size ** power, last.size ** power]
  if (from === to || last.value <= first.value) return { power, fixed: mean, each: 0 }
  const each = (last.value - first.value) / (to - from)
  const fixed = first.value - each * from
  return fixed >= 0 ? { power, fixed, each } : { power, fixed: 0, each: last.value / to }
}

export const valueAt = ({ power, fixed, each }: Law, size: number): number => fixed + each * size ** power

/** A quantity at some sizes, the largest last. */
export interface Series {
  readonly what: string
  /** What is counted as its size. */
  readonly of: string
  readonly unit: string
  readonly power: Law['power']
  readonly points: readonly Point[]
}

/** The law of the smaller sizes, which the largest has yet to bear out. */
export const lawOfSmaller = ({ power, points }: Series): Law => lawThrough(power, points.slice(0, -1))

/** The law of all that was measured, by which larger fleets are planned. */
export const lawOf = ({ power, points }: Series): Law => lawThrough(power, points)
