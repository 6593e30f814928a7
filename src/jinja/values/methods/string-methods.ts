import { TemplateFault } from '../../template-fault.ts'
import { asText, asTextOr, byPosition, withParameters, type BoundArguments } from '../native-function.ts'
import { repr } from '../print.ts'
import { itemsOf, spendOnSearch } from '../sequences.ts'
import { formatBraces } from '../text/brace-format.ts'
import {
  PYTHON_SPACE,
  isSpace,
  oneOf,
  splitLines,
  splitText,
  splitTextFromRight,
  stripEnd,
  stripStart
} from '../text/characters.ts'
import {
  capitalize,
  countOccurrences,
  expandTabs,
  fillWithZeros,
  find,
  indexOf,
  isInCase,
  isTitleCase,
  matchesEdge,
  pad,
  partition,
  replaceText,
  swapCase,
  foldCase,
  titleCase
} from '../text/strings.ts'
import { UntrustedText } from '../untrusted-text.ts'
import { Markup, NONE, typeName, type NativeFunction, type Runtime, type Value } from '../value.ts'

type StringImplementation = (text: string, args: BoundArguments, runtime: Runtime) => Value
type Row = readonly [parameters: readonly string[], run: StringImplementation]

const RANGE = ['sub', 'start?', 'end?'] as const

const implementations: Record<string, Row> = {
  upper: [[], (text) => text.toUpperCase()],
  lower: [[], (text) => text.toLowerCase()],
  casefold: [[], foldCase],
  capitalize: [[], capitalize],
  title: [[], titleCase],
  swapcase: [[], swapCase],

  strip: [
    ['chars?'],
    (text, args) => {
      const strips = stripped(args)
      return stripStart(stripEnd(text, strips), strips)
    }
  ],
  lstrip: [['chars?'], (text, args) => stripStart(text, stripped(args))],
  rstrip: [['chars?'], (text, args) => stripEnd(text, stripped(args))],
  removeprefix: [
    ['prefix'],
    (text, [prefix]) => (text.startsWith(asText(prefix)) ? text.slice(asText(prefix).length) : text)
  ],
  removesuffix: [['suffix'], removeSuffix],

  startswith: [
    ['prefix', 'start?', 'end?'],
    (text, args) => matchesEdge(text, args, (part, affix) => part.startsWith(affix))
  ],
  endswith: [
    ['suffix', 'start?', 'end?'],
    (text, args) => matchesEdge(text, args, (part, affix) => part.endsWith(affix))
  ],
  find: [RANGE, (text, args) => find(text, args)],
  rfind: [RANGE, (text, args) => find(text, args, true)],
  index: [RANGE, (text, args) => indexOf(text, args)],
  rindex: [RANGE, (text, args) => indexOf(text, args, true)],
  count: [RANGE, countOccurrences],
  replace: [['old', 'new', 'count?'], replaceText],
  partition: [['sep'], (text, args) => partition(text, args)],
  rpartition: [['sep'], (text, args) => partition(text, args, true)],

  split: [['sep?', 'maxsplit?'], splitText],
  rsplit: [['sep?', 'maxsplit?'], splitTextFromRight],
  splitlines: [['keepends?'], splitLines],
  join: [['iterable'], joinTexts],

  center: [['width', 'fillchar?'], (text, args, runtime) => pad(text, args, 'both', runtime)],
  ljust: [['width', 'fillchar?'], (text, args, runtime) => pad(text, args, 'right', runtime)],
  rjust: [['width', 'fillchar?'], (text, args, runtime) => pad(text, args, 'left', runtime)],
  zfill: [['width'], fillWithZeros],
  expandtabs: [['tabsize?'], expandTabs],

  isalpha: [[], (text) => /^\p{L}+$/u.test(text)],
  isdecimal: [[], (text) => /^\p{Nd}+$/u.test(text)],
  isdigit: [[], (text) => /^[\p{Nd}²³¹⁰⁴-⁹₀-₉]+$/u.test(text)],
  isnumeric: [[], (text) => /^\p{N}+$/u.test(text)],
  isalnum: [[], (text) => /^[\p{L}\p{N}]+$/u.test(text)],
  isascii: [[], (text) => !/[^\0-\x7f]/.test(text)],
  isspace: [[], (text) => new RegExp(`^[${PYTHON_SPACE}]+$`).test(text)],
  isidentifier: [[], (text) => /^[\p{L}\p{Nl}_][\p{L}\p{Nl}\p{Nd}\p{Mn}\p{Mc}\p{Pc}]*$/u.test(text)],
  isprintable: [[], (text) => !/[\p{C}\p{Zl}\p{Zp}]|[^\P{Zs} ]/u.test(text)],
  islower: [[], (text) => isInCase(text, /[\p{Lu}\p{Lt}]/u)],
  isupper: [[], (text) => isInCase(text, /[\p{Ll}\p{Lt}]/u)],
  istitle: [[], isTitleCase]
}

function plain(value: Value): string {
  return value instanceof Markup ? value.text : (value as string)
}

/** The methods of str that take their arguments by name too. */
const NAMED: ReadonlySet<string> = new Set(['split', 'rsplit', 'splitlines', 'expandtabs'])

function positional(name: string, method: NativeFunction): NativeFunction {
  return NAMED.has(name) ? method : byPosition(name, method)
}

/** Python's methods of str. Those of Markup are the same ones, and give plain strings. */
export const stringMethods: ReadonlyMap<string, NativeFunction> = new Map([
  ...Object.entries(implementations).map(([name, [parameters, run]]): [string, NativeFunction] => [
    name,
    positional(
      name,
      withParameters(name, parameters, (value, args, runtime) => {
        const text = plain(value)
        runtime.allowLength(text.length)
        for (const arg of args) if (typeof arg === 'string') spendOnSearch(text, arg, runtime)
        return run(text, args, runtime)
      })
    )
  ]),
  ['format', (value, args, runtime) => formatBraces(plain(value), args, runtime)],
  [
    'format_map',
    withParameters('format_map', ['mapping'], (value, [mapping], runtime) => {
      if (!(mapping instanceof Map)) throw new TemplateFault('TypeError', `${repr(mapping ?? NONE)} is not a mapping`)
      return formatBraces(plain(value), { positional: [], keywords: mapping as ReadonlyMap<string, Value> }, runtime)
    })
  ]
])

/** Those of a text that must not get out: they answer where the answer is no text. */
export const untrustedMethods: ReadonlyMap<string, NativeFunction> = new Map(
  Array.from(stringMethods, ([name, method]): [string, NativeFunction] => [
    name,
    (value, args, runtime) => (value as UntrustedText).askAnything((text) => method(text, args, runtime))
  ])
)

function stripped([chars]: BoundArguments): (char: string) => boolean {
  const set = asTextOr(chars, undefined)
  return set === undefined ? isSpace : oneOf(set)
}

function removeSuffix(text: string, [suffix]: BoundArguments): string {
  const end = asText(suffix)
  return end !== '' && text.endsWith(end) ? text.slice(0, -end.length) : text
}

function joinTexts(text: string, [iterable]: BoundArguments, runtime: Runtime): string {
  const items = itemsOf(iterable as Value, runtime).map((item, index) => {
    if (typeof item === 'string' || item instanceof Markup) return plain(item)
    if (item instanceof UntrustedText) return item.print()
    throw new TemplateFault('TypeError', `sequence item ${index}: expected str instance, ${typeName(item)} found`)
  })
  runtime.allowLength(items.reduce((length, item) => length + item.length + text.length, 0))
  return items.join(text)
}
