import { TemplateFault } from '../../template-fault.ts'
import { compare } from '../comparison.ts'
import { asInt } from '../native-function.ts'
import { floatText } from '../numbers.ts'
import { UntrustedText } from '../untrusted-text.ts'
import { Float, Markup, NONE, Tuple, typeName, type Dict, type Runtime, type Value } from '../value.ts'

interface Layout {
  /** Undefined: all on one line. */
  readonly step: string | undefined
  readonly runtime: Runtime
}

/** Python's json.dumps with sorted keys, made safe for HTML as Jinja2 does. */
export function jsonText(value: Value, indentation: Value, runtime: Runtime): string {
  const step = indentation === NONE ? undefined : indentationText(indentation)
  return write(value, { step, runtime }, '').replace(/[<>&']/g, (char) => escapeUnit(char))
}

function indentationText(indentation: Value): string {
  return typeof indentation === 'string' ? indentation : ' '.repeat(Math.min(100, Math.max(0, asInt(indentation))))
}

function write(value: Value, layout: Layout, margin: string): string {
  layout.runtime.spend()
  if (value === NONE) return 'null'
  if (typeof value === 'string') return quote(value)
  if (value instanceof Markup) return quote(value.text)
  if (typeof value !== 'object') return String(value)
  if (value instanceof Float) return writeFloat(value.value)
  if (Array.isArray(value)) return writeItems(value, layout, margin)
  if (value instanceof Tuple) return writeItems(value.items, layout, margin)
  if (value instanceof Map) return writeDict(value, layout, margin)
  if (value instanceof UntrustedText) return value.print()
  throw new TemplateFault('TypeError', `Object of type ${typeName(value)} is not JSON serializable`)
}

function writeFloat(value: number): string {
  if (Number.isNaN(value)) return 'NaN'
  if (!Number.isFinite(value)) return value > 0 ? 'Infinity' : '-Infinity'
  return floatText(value)
}

function writeItems(items: readonly Value[], layout: Layout, margin: string): string {
  const inner = margin + (layout.step ?? '')
  return enclose(
    '[]',
    items.map((item) => write(item, layout, inner)),
    layout,
    margin
  )
}

function writeDict(dict: Dict, layout: Layout, margin: string): string {
  const inner = margin + (layout.step ?? '')
  const pairs = Array.from(dict)
    .sort(([a], [b]) => compare(a, b, '<', layout.runtime))
    .map(([key, value]) => [keyText(key), value] as const)
  return enclose(
    '{}',
    pairs.map(([key, value]) => `${quote(key)}: ${write(value, layout, inner)}`),
    layout,
    margin
  )
}

function enclose(brackets: '[]' | '{}', parts: readonly string[], { step, runtime }: Layout, margin: string): string {
  const [open, close] = [brackets.charAt(0), brackets.charAt(1)]
  if (parts.length === 0) return brackets
  const inner = step === undefined ? '' : `\n${margin}${step}`
  const text = open + inner + parts.join(step === undefined ? ', ' : `,${inner}`)
  runtime.allowLength(text.length)
  return text + (step === undefined ? close : `\n${margin}${close}`)
}

function keyText(key: Value): string {
  if (typeof key === 'string') return key
  if (key === NONE) return 'null'
  if (key instanceof UntrustedText) return key.print()
  if (typeof key === 'object' && !(key instanceof Float)) {
    throw new TemplateFault('TypeError', `keys must be str, int, float, bool or None, not ${typeName(key)}`)
  }
  return key instanceof Float ? writeFloat(key.value) : String(key)
}

/** Only ASCII comes out, as from json.dumps. */
function quote(text: string): string {
  return JSON.stringify(text).replace(/[\x7f-\uffff]/g, escapeUnit)
}

function escapeUnit(char: string): string {
  return `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`
}
