import { getItem, ownAttribute } from './attributes.ts'
import { formatWithSpec } from './format-spec.ts'
import { repr, toText } from './print.ts'
import type { Runtime } from '../runtime.ts'
import { TemplateFault } from '../template-fault.ts'
import { typeName } from './type-name.ts'
import { Undefined } from './undefined.ts'
import type { Arguments, Value } from './value.ts'

/** A piece of a format string: text as it is, a doubled brace, a field (one level of fields may stand in its spec), or a stray brace. */
const PIECE = /[^{}]+|\{\{|\}\}|\{((?:[^{}[\]]|\[[^\]]*\])*)(?::((?:[^{}]|\{[^{}]*\})*))?\}|[{}]/g
const FIELD = /^([^.[!]*)((?:\.[^.[!]+|\[[^\]]+\])*)(?:!([sra]))?$/

/** Numbers the fields that have no number of their own; a format must number all of them, or none. */
class Counter {
  #next = 0
  #numbered = false

  nameFor(written: string): string {
    if (written !== '' && !/^\d+$/.test(written)) return written
    if (written !== '') this.#numbered = true
    if (this.#numbered && (written === '' || this.#next > 0)) {
      throw new TemplateFault(
        'ValueError',
        'cannot mix fields that are numbered by hand with fields that are not in a format string'
      )
    }
    return written === '' ? String(this.#next++) : written
  }
}

/** Python's str.format. */
export function formatBraces(format: string, args: Arguments, runtime: Runtime): string {
  runtime.allowFormat(format)
  return expand(format, args, runtime, new Counter())
}

function expand(format: string, args: Arguments, runtime: Runtime, counter: Counter): string {
  let result = ''
  for (const [piece] of format.matchAll(PIECE)) {
    result += expandPiece(piece, args, runtime, counter)
    runtime.allowOutput(result.length)
  }
  return result
}

function expandPiece(piece: string, args: Arguments, runtime: Runtime, counter: Counter): string {
  if (piece === '{{' || piece === '}}') return piece.charAt(0)
  if (piece === '{') throw new TemplateFault('ValueError', "Single '{' encountered in format string")
  if (piece === '}') throw new TemplateFault('ValueError', "Single '}' encountered in format string")
  if (!piece.startsWith('{')) return piece
  const inner = piece.slice(1, -1)
  const colon = inner.replace(/\[[^\]]*\]/g, (key) => '_'.repeat(key.length)).indexOf(':')
  const field = colon === -1 ? inner : inner.slice(0, colon)
  const value = convert(field, args, counter)
  const spec = colon === -1 ? '' : expand(inner.slice(colon + 1), args, runtime, counter)
  const text = formatWithSpec(value, spec, runtime)
  runtime.allowLength(text.length)
  return text
}

function convert(field: string, args: Arguments, counter: Counter): Value {
  const match = FIELD.exec(field)
  if (match === null) throw new TemplateFault('ValueError', `invalid replacement field '{${field}}'`)
  const [, name = '', path = '', conversion] = match
  let value = argument(counter.nameFor(name), args)
  for (const [step] of path.matchAll(/\.[^.[]+|\[[^\]]+\]/g)) value = follow(value, step)
  if (conversion === undefined) return value
  return conversion === 's' ? toText(value) : repr(value)
}

function argument(name: string, { positional, keywords }: Arguments): Value {
  const value = /^\d+$/.test(name) ? positional[Number(name)] : keywords?.get(name)
  if (value !== undefined) return value
  if (/^\d+$/.test(name)) {
    throw new TemplateFault('IndexError', `Replacement index ${name} out of range for positional args tuple`)
  }
  throw new TemplateFault('KeyError', repr(name))
}

function follow(value: Value, step: string): Value {
  if (step.startsWith('.')) {
    const attribute = ownAttribute(value, step.slice(1))
    if (attribute !== undefined) return attribute
    throw new TemplateFault('UndefinedError', `'${typeName(value)}' object has no attribute '${step.slice(1)}'`)
  }
  const key = step.slice(1, -1)
  const item = getItem(value, /^\d+$/.test(key) ? Number(key) : key)
  if (item instanceof Undefined) throw new TemplateFault('KeyError', repr(key))
  return item
}
