export function counted(count: number, noun: string, plural = `${noun}s`): string {
  return `${grouped(count)} ${count === 1 ? noun : plural}`
}

export function grouped(count: number): string {
  return count.toLocaleString('en-GB')
}

/** "7 s", "3 min", "2 h", "5 d". */
export function duration(seconds: number): string {
  if (seconds < 100) return `${Math.max(0, Math.round(seconds))} s`
  if (seconds < 100 * 60) return `${Math.round(seconds / 60)} min`
  if (seconds < 48 * 3600) return `${Math.round(seconds / 3600)} h`
  return `${Math.round(seconds / 86_400)} d`
}

export function milliseconds(ms: number): string {
  return ms < 10 ? ms.toFixed(1) : grouped(Math.round(ms))
}

/** A rate or a gauge: "0", "0.4", "12", "1,234". */
export function figure(value: number | null | undefined): string {
  if (value === null || value === undefined) return '–'
  return value > 0 && value < 10 && !Number.isInteger(value) ? value.toFixed(1) : grouped(Math.round(value))
}

export function byteCount(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  let unit = 0
  while (bytes >= 1000 && unit < units.length - 1) {
    bytes /= 1000
    unit++
  }
  return `${bytes < 10 && unit > 0 ? bytes.toFixed(1) : Math.round(bytes)} ${units[unit]}`
}

/** The time of day in UTC, with its date when that is not today's. Both in milliseconds since the epoch. */
export function clockTime(at: number, now: number): string {
  const [date = '', time = ''] = new Date(at).toISOString().split('T')
  const today = new Date(now).toISOString().startsWith(date)
  return today ? time.slice(0, 8) : `${date} ${time.slice(0, 8)}`
}

/** At most `max` characters, with a sign that there are more. */
export function shortened(text: string, max: number): string {
  return text.length <= max ? text : `${text.slice(0, max)} …`
}

export function listed(names: readonly string[]): string {
  const more = names.length - 3
  return names.slice(0, 3).join(', ') + (more > 0 ? ` and ${grouped(more)} more` : '')
}
