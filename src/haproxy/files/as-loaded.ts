import { SECTION_KINDS, splitWords } from '../config/parser.ts'

/**
 * The operator's text as HAProxy loads it, behind base.cfg: what base.cfg stands before would else be lost or refused.
 * Each line keeps its number, which HAProxy names in its words.
 *
 * - A `defaults` section takes over ours by `from`: without it, it would replace ours as a whole, and a reload forget
 *   which servers are down or in maintenance.
 * - Lines that HAProxy takes before any other section only (from 3.0 on) stand in base.cfg instead.
 * - `zero-warning` is for the check alone: HAProxy warns of each server that the former worker knew as down, and would
 *   not start with it.
 * - `resetenv` keeps what peers.cfg needs, and a master that is to know after a reload which workers it has.
 */
export function asLoaded(text: string): string {
  const head = headOf(text).length
  return editLines(text, (line, at) => loadedLine(line, at < head))
}

/** The same as it is checked. */
export function asJudged(text: string): string {
  const marked = MARK.length
  return editLines(asLoaded(text), (line) =>
    line.startsWith(MARK) && ZERO.test(line.slice(marked)) ? line.slice(marked) : line
  )
}

/** The operator's text that became this file. */
export function asWritten(file: string): string {
  return editLines(file, writtenLine)
}

/**
 * What base.cfg begins with: the lines that come too late behind it, with what decides about them, on the lines that
 * they have in the operator's text.
 */
export function earlyLines(text: string): string {
  const lines = headOf(text).split('\n')
  if (!lines.some((line) => EARLY.test(line))) return ''
  const early = lines.map((line) => (EARLY.test(line) || DECIDES.test(line) ? loadedLine(line, false) : ''))
  return `${early.join('\n').trimEnd()}\n`
}

/** Name of our `defaults` that those of the operator take over. */
export const OUR_DEFAULTS = 'kontrol-haproxy'

const MARK = '#kontrol-haproxy: '
/** With a tab, which tells it from the same words of an operator's; one who copied ours has another tab. */
const FROM_OURS = `\tfrom ${OUR_DEFAULTS}`
const FROM_THEIRS = `\t${FROM_OURS}`
const KEPT = '\tHAPROXY_LOCALPEER HAPROXY_MWORKER HAPROXY_MWORKER_REEXEC HAPROXY_PROCESSES'

/** Of these words each line has one that is not loaded as it is written. */
const WORDS = new RegExp(`defaults|resetenv|zero-warning|nbthread|thread-group|${MARK}`, 'g')
/** HAProxy has no use for a longer name; one of megabytes would be looked at for seconds. */
const MAX_DEFAULTS_LINE = 4_096
const EARLY = /^[ \t]*(?:nbthread|thread-groups?)[ \t]/
const ZERO = /^[ \t]*zero-warning(?:[\s#]|$)/
const RESETENV = /^[ \t]*resetenv(?=[\s#]|$)/
const DECIDES = /^[ \t]*(?:global|\.(?:if|elif|else|endif)|(?:pre|re|un)?setenv)(?:[\s#]|$)/
const DEFAULTS = /^[ \t]*defaults/
const TAKEN_OVER = new RegExp(`(?<!\\t)${FROM_OURS}`)
/** One with a `from` of its own has ours by that one. */
const OWN_DEFAULTS =
  /^[ \t]*defaults(?:[ \t]+(?!from[ \t])(?:[^\s#"'\\]|\\[^\t]|"(?:[^"\\]|\\.)*"|'[^']*')+)?(?=[ \t\r]*(?:#.*)?$)/s

function loadedLine(line: string, isEarly: boolean): string {
  if (line.startsWith(MARK) || ZERO.test(line) || (isEarly && EARLY.test(line))) return MARK + line
  return DEFAULTS.test(line)
    ? loadedDefaults(line.replaceAll(FROM_OURS, FROM_THEIRS))
    : line.replace(RESETENV, `$&${KEPT}`)
}

const loadedDefaults = (line: string): string =>
  line.length > MAX_DEFAULTS_LINE ? line : line.replace(OWN_DEFAULTS, `$&${FROM_OURS}`)

function writtenLine(line: string): string {
  if (line.startsWith(MARK)) return line.slice(MARK.length)
  if (DEFAULTS.test(line)) return line.replace(TAKEN_OVER, '').replaceAll(FROM_THEIRS, FROM_OURS)
  return RESETENV.test(line) ? line.replace(KEPT, '') : line
}

/** Of ten thousand servers no line is looked at. A line ends with LF, and with nothing else. */
function editLines(text: string, edit: (line: string, at: number) => string): string {
  let [edited, done] = ['', 0]
  for (;;) {
    WORDS.lastIndex = done
    const { index } = WORDS.exec(text) ?? {}
    if (index === undefined) return edited + text.slice(done)
    const begin = text.lastIndexOf('\n', index) + 1
    const end = text.indexOf('\n', index)
    edited += text.slice(done, begin)
    done = end === -1 ? text.length : end
    edited += edit(text.slice(begin, done), begin)
  }
}

/**
 * What stands before the first section that is no `global`. One within an `.if` may not be there: where it is, HAProxy
 * alone would refuse what comes behind it.
 */
function headOf(text: string): string {
  // Most texts have nothing to look for.
  if (!/nbthread|thread-group/.test(text)) return ''
  let depth = 0
  for (let at = 0; at < text.length;) {
    const end = text.indexOf('\n', at) + 1 || text.length
    const [word = ''] = splitWords(text.slice(at, end).trimEnd())
    if (depth === 0 && word !== 'global' && SECTION_KINDS.has(word)) return text.slice(0, at)
    if (word === '.if') depth++
    if (word === '.endif') depth--
    at = end
  }
  return text
}
