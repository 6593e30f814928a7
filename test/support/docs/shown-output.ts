type Json = null | boolean | number | string | Json[] | { [key: string]: Json }

/** Texts that programs go by, and people look up. */
const FIXED = new Set(['code', 'message', 'hint'])

/**
 * What a page shows and the output has not. Lines may be left out of what is shown, and whatever holds a digit may differ
 * (times, addresses, versions, counters); a body of JSON must have each field that is shown, of the same type.
 */
export function missing(shown: readonly string[], stdout: string, stderr: string): string[] {
  const [wantedText, wantedJson] = parts(shown)
  const [foundText, foundJson] = parts(stdout.split('\n'))
  const said = new Set([...foundText, ...stderr.split('\n')].map(plain))
  const lines = wantedText.map(plain).filter((line) => line !== '' && line !== '…' && !said.has(line))
  if (wantedJson === undefined) return lines
  if (foundJson === undefined) return [...lines, `JSON, found: ${stdout}`]
  return [...lines, ...differences(wantedJson, foundJson, '$')]
}

function parts(lines: readonly string[]): [text: readonly string[], json: Json | undefined] {
  const start = lines.findIndex((line) => /^[{[]/.test(line))
  if (start === -1) return [lines, undefined]
  return [lines.slice(0, start), JSON.parse(lines.slice(start).join('\n')) as Json]
}

/** A row of `kontrol history`: how many changes go together, and behind which of them, is a matter of time. */
const ROUND = /^(# # \w+ \w+ #) .*/

/** In the unit that fits how long it has been. */
const DURATION = /# (?:s|min|h)(?=[ ,)]|$)/g

/** Without what differs from one time to the next. */
function plain(line: string): string {
  if (line.startsWith('HTTP/')) return line.trim()
  const words = line
    .trim()
    .replace(/[^\s,]*\d[^\s,]*/g, '#')
    .replace(/\s+/g, ' ')
  return words
    .replace(DURATION, '# s')
    .replace('# reloads', '# reload')
    .replace(ROUND, '$1')
    .replace(/pod-up \S+ # \(new\)(, pod-up \S+ # \(new\))*/, 'pod-up')
}

function differences(shown: Json, found: Json, path: string): string[] {
  if (shown === null || found === null) return []
  if (Array.isArray(shown)) {
    if (!Array.isArray(found)) return [`${path} is a list`]
    return shown.flatMap((one, n) => {
      const tries = found.map((other) => differences(one, other, `${path}[${n}]`))
      return tries.some((faults) => faults.length === 0) ? [] : (tries[0] ?? [`${path}[${n}]`])
    })
  }
  if (typeof shown === 'object') {
    if (typeof found !== 'object' || Array.isArray(found)) return [`${path} is an object`]
    return Object.entries(shown).flatMap(([key, value]) => {
      const there = found[key]
      if (there === undefined) return [`${path}.${key}`]
      if (FIXED.has(key) && value !== '…' && value !== there) return [`${path}.${key}: ${JSON.stringify(there)}`]
      return differences(value, there, `${path}.${key}`)
    })
  }
  return typeof shown === typeof found ? [] : [`${path} is a ${typeof shown}`]
}
