export interface XmlElement {
  name: string
  attributes: Record<string, string>
  children: XmlElement[]
  /** Text directly inside; white space between elements is dropped. */
  text: string
}

const ENTITIES: Record<string, string> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" }
const TOKEN = /<\?[^>]*\?>|<!--[\s\S]*?-->|<\/([\w:.-]+)\s*>|<([\w:.-]+)((?:\s+[\w:.-]+="[^"<]*")*)\s*(\/?)>|([^<]+)/y

/** Parses a document without DTD, strictly: whatever is not well-formed throws. */
export function parseXml(source: string): XmlElement {
  const root: XmlElement = { name: '', attributes: {}, children: [], text: '' }
  const open = [root]
  TOKEN.lastIndex = 0
  while (TOKEN.lastIndex < source.length) {
    const match = TOKEN.exec(source)
    if (match === null) throw new Error('not well-formed')
    take(match, open)
  }
  const [document] = root.children
  if (document === undefined || root.children.length > 1 || open.length > 1)
    throw new Error('not one closed root element')
  return document
}

function take([, closing, opening, attributes = '', selfClosing, text]: RegExpExecArray, open: XmlElement[]): void {
  const parent = open.at(-1) as XmlElement
  if (text !== undefined) {
    parent.text += text.trim() === '' ? '' : unescapeXml(text)
  } else if (closing !== undefined) {
    if (open.length < 2 || parent.name !== closing) throw new Error(`</${closing}> closes <${parent.name}>`)
    open.pop()
  } else if (opening !== undefined) {
    const element: XmlElement = { name: opening, attributes: parseAttributes(attributes), children: [], text: '' }
    parent.children.push(element)
    if (selfClosing === '') open.push(element)
  }
}

function parseAttributes(source: string): Record<string, string> {
  return Object.fromEntries(
    [...source.matchAll(/([\w:.-]+)="([^"]*)"/g)].map(([, name = '', value = '']) => [name, unescapeXml(value)])
  )
}

function unescapeXml(text: string): string {
  return text.replace(/&(#x?[0-9a-fA-F]+|\w+);/g, (whole, entity: string) => {
    if (entity.startsWith('#x')) return String.fromCodePoint(Number.parseInt(entity.slice(2), 16))
    if (entity.startsWith('#')) return String.fromCodePoint(Number(entity.slice(1)))
    const character = ENTITIES[entity]
    if (character === undefined) throw new Error(`unknown entity ${whole}`)
    return character
  })
}

type XmlContent = string | number | boolean | undefined | XmlContent[] | { [name: string]: XmlContent }

/** Prints nested objects as elements, arrays as repetitions; leaves out what is undefined. */
export function printXml(content: XmlContent): string {
  if (content === undefined) return ''
  if (Array.isArray(content)) return content.map(printXml).join('')
  if (typeof content !== 'object') return escapeXml(String(content))
  return Object.entries(content)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `<${name}>${printXml(value)}</${name}>`)
    .join('')
}

const escapeXml = (text: string): string =>
  text.replace(/[<>&"']/g, (character) => `&#${character.codePointAt(0) ?? 0};`)

/** The one child of that name. */
export const childOf = (element: XmlElement | undefined, name: string): XmlElement | undefined =>
  element?.children.find((child) => child.name === name)

export const textOf = (element: XmlElement | undefined, name: string): string | undefined =>
  childOf(element, name)?.text
