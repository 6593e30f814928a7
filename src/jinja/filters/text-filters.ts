import { wrapText } from './text-wrap.ts'
import { TemplateFault } from '../template-fault.ts'
import { asInt, asNumber, asText, asTextOr, nativeTable, type BoundArguments } from '../values/native-function.ts'
import { escapeHtml, escapeUnlessSafe } from '../values/print.ts'
import { isIterable, itemsOf, sizeOf, spendOnSearch } from '../values/sequences.ts'
import {
  PYTHON_SPACE,
  characterCount,
  characters,
  isSpace,
  oneOf,
  splitLines,
  stripEnd,
  stripStart
} from '../values/text/characters.ts'
import { jsonText } from '../values/text/json-text.ts'
import { formatPercent } from '../values/text/percent-format.ts'
import { capitalize, pad, replaceText } from '../values/text/strings.ts'
import { UntrustedText } from '../values/untrusted-text.ts'
import {
  Markup,
  NONE,
  Tuple,
  Undefined,
  isTrue,
  typeName,
  type Arguments,
  type NativeFunction,
  type Runtime,
  type Value
} from '../values/value.ts'

type TextFilter = (text: string, args: BoundArguments, runtime: Runtime) => Value

/** A filter of the value's text; copying that counts as steps. */
const ofText =
  (run: TextFilter) =>
  (value: Value, args: BoundArguments, runtime: Runtime): Value => {
    const text = runtime.print(value)
    runtime.allowLength(text.length)
    return run(text, args, runtime)
  }

/** A filter that asks for the methods of a string, as those of Jinja2 do that do not turn their value into one. */
const ofString =
  (name: string, run: TextFilter) =>
  (value: Value, args: BoundArguments, runtime: Runtime): Value => {
    if (value instanceof Undefined) throw value.fault()
    if (value instanceof UntrustedText) return value.print()
    if (typeof value !== 'string' && !(value instanceof Markup)) {
      throw new TemplateFault('TypeError', `${name} wants a string, not '${typeName(value)}'`)
    }
    return ofText(run)(value, args, runtime)
  }

/** What has a length that fits is left as it is, whatever it is. */
const truncateIfLonger = (value: Value, args: BoundArguments, runtime: Runtime): Value => {
  if (typeof value === 'string' || value instanceof Markup) return keepMarkup(truncate)(value, args, runtime)
  if (value instanceof UntrustedText) return value.print()
  const size = sizeOf(value)
  if (size === undefined) throw new TemplateFault('TypeError', `object of type '${typeName(value)}' has no len()`)
  const { limit, tolerance } = truncation(args)
  if (size <= limit + tolerance) return value
  throw new TemplateFault('TypeError', `truncate wants a string, not '${typeName(value)}'`)
}

/** Text that is marked as safe stays so, as the method of MarkupSafe's own string would have it. */
const keepMarkup =
  (run: TextFilter) =>
  (value: Value, args: BoundArguments, runtime: Runtime): Value => {
    const result = ofText(run)(value, args, runtime)
    return value instanceof Markup && typeof result === 'string' ? new Markup(result) : result
  }

const escape = (value: Value, _: BoundArguments, runtime: Runtime): Value =>
  value instanceof Markup ? value : new Markup(escapeHtml(runtime.print(value)))

/** Filters that turn text into text. */
export const textFilters: readonly [string, NativeFunction][] = [
  ...nativeTable({
    upper: [[], keepMarkup((text) => text.toUpperCase())],
    lower: [[], keepMarkup((text) => text.toLowerCase())],
    capitalize: [[], keepMarkup(capitalize)],
    title: [[], ofText(titleWords)],
    trim: [['chars?'], keepMarkup(trim)],
    center: [['width?'], keepMarkup((text, [width = 80], runtime) => pad(text, [width], 'both', runtime))],
    indent: [['width?', 'first?', 'blank?'], ofString('indent', indent)],
    replace: [
      ['old', 'new', 'count?'],
      ofText((text, [old, replacement, count], runtime) => {
        const [from, to] = [runtime.print(old as Value), runtime.print(replacement as Value)]
        spendOnSearch(text, from, runtime)
        return replaceText(text, [from, to, count], runtime)
      })
    ],
    truncate: [['length?', 'killwords?', 'end?', 'leeway?'], truncateIfLonger],
    wordcount: [[], ofText((text) => text.match(/[\p{L}\p{N}_]+/gu)?.length ?? 0)],
    wordwrap: [['width?', 'break_long_words?', 'wrapstring?', 'break_on_hyphens?'], ofString('wordwrap', wordWrap)],
    string: [[], (value, _, runtime) => (value instanceof Markup ? value : runtime.print(value))],
    escape: [[], escape],
    e: [[], escape],
    forceescape: [[], (value, _, runtime) => new Markup(escapeHtml(runtime.print(value)))],
    safe: [[], (value, _, runtime) => new Markup(runtime.print(value))],
    tojson: [['indent?'], (value, [indentation = NONE], runtime) => new Markup(jsonText(value, indentation, runtime))],
    urlencode: [[], urlEncode],
    xmlattr: [['autospace?'], xmlAttributes]
  }),
  [
    'format',
    (value, args, runtime) =>
      value instanceof Markup
        ? new Markup(formatPercent(value.text, formatArguments(args), runtime, escapeUnlessSafe))
        : formatPercent(runtime.print(value), formatArguments(args), runtime)
  ]
]

function formatArguments({ positional, keywords }: Arguments): Value {
  if (keywords === undefined || keywords.size === 0) return new Tuple(positional)
  if (positional.length === 0) return new Map<Value, Value>(keywords)
  throw new TemplateFault('FilterArgumentError', "can't handle positional and keyword arguments at the same time")
}

const WORD_START = new RegExp(`([-${PYTHON_SPACE}({[<]+)`, 'u')

function titleWords(text: string): string {
  return text
    .split(WORD_START)
    .map((word) => {
      const [first = ''] = word
      return first.toUpperCase() + word.slice(first.length).toLowerCase()
    })
    .join('')
}

function trim(text: string, [chars]: BoundArguments): string {
  const set = asTextOr(chars, undefined)
  const strips = set === undefined ? isSpace : oneOf(set)
  return stripStart(stripEnd(text, strips), strips)
}

function indent(text: string, [width = 4, first = false, blank = false]: BoundArguments, runtime: Runtime): string {
  runtime.allowLength(typeof width === 'string' ? width.length : asInt(width))
  const indentation = typeof width === 'string' ? width : ' '.repeat(Math.max(0, asInt(width)))
  const lines = splitLines(`${text}\n`, [])
  runtime.allowLength(text.length + lines.length * indentation.length)
  const [head = '', ...tail] = lines
  const rest = tail.map((line) => `\n${line === '' && !isTrue(blank) ? '' : indentation}${line}`)
  return `${isTrue(first) ? indentation : ''}${head}${rest.join('')}`
}

interface Truncation {
  readonly limit: number
  readonly tail: string
  readonly tolerance: number
}

function truncation([length = 255, , end = '...', leeway]: BoundArguments): Truncation {
  const [limit, tail] = [asNumber(length), asText(end)]
  const tolerance = leeway === undefined || leeway === NONE ? 5 : asNumber(leeway)
  if (limit < characterCount(tail) || tolerance < 0) {
    throw new TemplateFault(
      'ValueError',
      `expected length >= ${tail.length} and leeway >= 0, got ${limit} and ${tolerance}`
    )
  }
  return { limit, tail, tolerance }
}

function truncate(text: string, args: BoundArguments): string {
  const { limit, tail, tolerance } = truncation(args)
  const [length = 255, killWords = false] = args
  const all = characters(text)
  if (all.length <= limit + tolerance) return text
  const kept = all.slice(0, asInt(length) - characterCount(tail))
  const cut = typeof kept === 'string' ? kept : kept.join('')
  const lastSpace = isTrue(killWords) ? -1 : cut.lastIndexOf(' ')
  return (lastSpace === -1 ? cut : cut.slice(0, lastSpace)) + tail
}

function wordWrap(
  text: string,
  [width = 79, breakLongWords = true, wrapString, breakOnHyphens = true]: BoundArguments,
  runtime: Runtime
): string {
  runtime.spend(text.length)
  const mark = asTextOr(wrapString, '\n')
  if (text === '') return ''
  const options = {
    width: asNumber(width),
    breakLongWords: isTrue(breakLongWords),
    breakOnHyphens: isTrue(breakOnHyphens)
  }
  const wrapped = splitLines(text, []).map((line) => wrapText(line, options).join(mark))
  return wrapped.join(mark)
}

/** What Python's quote() leaves as it is, and encodeURIComponent does not. */
function quote(value: Value, inQuery: boolean, runtime: Runtime): string {
  const encoded = encodeURIComponent(runtime.print(value).replace(/\p{Surrogate}/gu, '\ufffd')).replace(
    /[!'()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`
  )
  return inQuery ? encoded.replaceAll('%20', '+') : encoded.replaceAll('%2F', '/')
}

function urlEncode(value: Value, _: BoundArguments, runtime: Runtime): Value {
  if (typeof value === 'string' || value instanceof Markup || !isIterable(value)) return quote(value, false, runtime)
  if (value instanceof Map) runtime.spend(value.size)
  const pairs = value instanceof Map ? Array.from(value) : itemsOf(value, runtime).map((pair) => pairOf(pair, runtime))
  return pairs.map(([key, item]) => `${quote(key, true, runtime)}=${quote(item, true, runtime)}`).join('&')
}

function pairOf(value: Value, runtime: Runtime): readonly [Value, Value] {
  const [key, item, ...rest] = itemsOf(value, runtime)
  if (key === undefined || item === undefined)
    throw new TemplateFault('ValueError', 'not enough values to unpack (expected 2)')
  if (rest.length > 0) throw new TemplateFault('ValueError', 'too many values to unpack (expected 2)')
  return [key, item]
}

function xmlAttributes(value: Value, [autospace = true]: BoundArguments, runtime: Runtime): Value {
  if (!(value instanceof Map)) throw new TemplateFault('TypeError', 'xmlattr wants a dict')
  runtime.spend(value.size)
  const attributes: string[] = []
  for (const [key, item] of value) {
    if (item === NONE || item instanceof Undefined) continue
    if (/[\s/>=]/.test(asText(key))) {
      throw new TemplateFault('ValueError', `Invalid character in attribute name: '${runtime.print(key)}'`)
    }
    attributes.push(`${escapeHtml(runtime.print(key))}="${escapeUnlessSafe(item)}"`)
  }
  const text = attributes.join(' ')
  return isTrue(autospace) && text !== '' ? ` ${text}` : text
}
