import { duration } from '../../model/words/figures.ts'

/** To the second, in UTC: as the log has it, and as one says it on the telephone. What is no time is shown as it is. */
export function shownTime(time: string | Date): string {
  const date = new Date(time)
  return Number.isNaN(date.getTime()) ? String(time) : date.toISOString().replace(/\.\d+Z$/, 'Z')
}

/** How long ago, "52 s": clocks that differ make nothing younger than now. */
export function shownAge(time: string): string {
  const at = Date.parse(time)
  return Number.isNaN(at) ? '-' : duration((Date.now() - at) / 1000)
}

/** "2026-11-29T09:08:12Z (52 s ago)". */
export const timeWithAge = (time: string): string => `${shownTime(time)} (${shownAge(time)} ago)`
