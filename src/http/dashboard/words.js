/**
 * @param {number} count
 * @param {string} noun
 * @param {string} [plural]
 */
export function counted(count, noun, plural = `${noun}s`) {
  return `${grouped(count)} ${count === 1 ? noun : plural}`
}

/** @param {number} count */
export function grouped(count) {
  return count.toLocaleString('en-GB')
}

/**
 * "7 s", "3 min", "2 h", "5 d".
 *
 * @param {number} seconds
 */
export function duration(seconds) {
  if (seconds < 100) return `${Math.max(0, Math.round(seconds))} s`
  if (seconds < 100 * 60) return `${Math.round(seconds / 60)} min`
  if (seconds < 48 * 3600) return `${Math.round(seconds / 3600)} h`
  return `${Math.round(seconds / 86_400)} d`
}

/** @param {number} ms */
export function milliseconds(ms) {
  return ms < 10 ? ms.toFixed(1) : grouped(Math.round(ms))
}

/** @param {number} bytes */
export function byteCount(bytes) {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  let unit = 0
  while (bytes >= 1000 && unit < units.length - 1) {
    bytes /= 1000
    unit++
  }
  return `${bytes < 10 && unit > 0 ? bytes.toFixed(1) : Math.round(bytes)} ${units[unit]}`
}

/**
 * The time of day in UTC, with its date when that is not today's.
 *
 * @param {number} at milliseconds since the epoch
 * @param {number} now
 */
export function clockTime(at, now) {
  const [date = '', time = ''] = new Date(at).toISOString().split('T')
  const today = new Date(now).toISOString().startsWith(date)
  return today ? time.slice(0, 8) : `${date} ${time.slice(0, 8)}`
}

/**
 * At most `max` characters, with a sign that there are more.
 *
 * @param {string} text
 * @param {number} max
 */
export function shortened(text, max) {
  return text.length <= max ? text : `${text.slice(0, max)} …`
}
