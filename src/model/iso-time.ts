/** What a Date can hold, in milliseconds: a time that came from a store may be any number. */
const FARTHEST = 8.64e15

/** @param ms since the epoch */
export const isoTime = (ms: number): string => new Date(Math.max(-FARTHEST, Math.min(FARTHEST, ms))).toISOString()

type TimeIn<T> = { [K in keyof T]-?: T[K] extends number | undefined ? K : never }[keyof T]

type WithIsoTimes<T, K extends keyof T> = {
  [P in keyof T]: P extends K ? string | Extract<T[P], undefined> : T[P]
}

/** A copy as it is shown, in which these milliseconds since the epoch are ISO 8601; what is absent stays so. */
export function withIsoTimes<T extends object, K extends TimeIn<T>>(value: T, ...names: K[]): WithIsoTimes<T, K> {
  const shown = { ...value } as Record<PropertyKey, unknown>
  for (const name of names) {
    const time = shown[name]
    if (typeof time === 'number') shown[name] = isoTime(time)
  }
  return shown as WithIsoTimes<T, K>
}
