/**
 * A pattern as Python's fnmatch reads it, which is what `next` of a manifest
 * holds: `*`, `?`, `[seq]`, `[!seq]`; no escapes; a slash is a letter like any other.
 *
 * @returns undefined when no text can match it, as in `[z-a]`
 */
export function compileGlob(pattern: string): RegExp | undefined {
  let source = ''
  for (let at = 0; at < pattern.length; at++) {
    const set = pattern[at] === '[' ? readSet(pattern, at) : undefined
    if (set === undefined) source += translate(pattern.charAt(at))
    else {
      source += set.source
      at = set.end
    }
  }
  try {
    return new RegExp(`^(?:${source})$`, 's')
  } catch {
    // The one thing that is left to go wrong: a range that runs backwards.
    return undefined
  }
}

export const isGlob = (text: string): boolean => /[*?[]/.test(text)

function translate(letter: string): string {
  if (letter === '*') return '.*'
  if (letter === '?') return '.'
  return letter.replace(/[\\^$.|+()[\]{}/-]/, '\\$&')
}

/** A `]` right after the opening is a member; without a closing one the bracket stands for itself. */
function readSet(pattern: string, start: number): { source: string; end: number } | undefined {
  const negated = pattern[start + 1] === '!'
  const first = start + (negated ? 2 : 1)
  const end = pattern.indexOf(']', first + 1)
  if (end === -1) return undefined
  const members = pattern.slice(first, end).replace(/[\\\]^[]/g, '\\$&')
  return { source: `[${negated ? '^' : ''}${members}]`, end }
}
