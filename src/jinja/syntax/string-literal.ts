import { TemplateFault } from '../template-fault.ts'

const SIMPLE_ESCAPES: ReadonlyMap<string, string> = new Map([
  ['\n', ''],
  ['\\', '\\'],
  ["'", "'"],
  ['"', '"'],
  ['a', '\x07'],
  ['b', '\b'],
  ['f', '\f'],
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
  ['v', '\v']
])

const HEX_DIGITS: ReadonlyMap<string, number> = new Map([
  ['x', 2],
  ['u', 4],
  ['U', 8]
])

const ESCAPE = /\\([0-7]{1,3}|x[0-9a-fA-F]{0,2}|u[0-9a-fA-F]{0,4}|U[0-9a-fA-F]{0,8}|N|[\s\S])/g

/** What stands between the quotes of a literal, with Python's escapes resolved. An unknown escape stays as it is. */
export function unescapeLiteral(raw: string): string {
  if (!raw.includes('\\')) return raw
  return raw.replace(ESCAPE, (whole, escape: string) => {
    const kind = escape.charAt(0)
    if (kind >= '0' && kind <= '7') return String.fromCharCode(Number.parseInt(escape, 8))
    const digits = HEX_DIGITS.get(kind)
    if (digits !== undefined) return fromHex(escape, digits)
    if (kind === 'N') throw new TemplateFault('TemplateSyntaxError', 'characters by name (\\N{…}) are not supported')
    return SIMPLE_ESCAPES.get(kind) ?? whole
  })
}

function fromHex(escape: string, digits: number): string {
  const codePoint = Number.parseInt(escape.slice(1), 16)
  if (escape.length !== digits + 1 || codePoint > 0x10ffff) {
    throw new TemplateFault('TemplateSyntaxError', `truncated or illegal \\${escape.charAt(0)} escape in a string`)
  }
  return String.fromCodePoint(codePoint)
}
