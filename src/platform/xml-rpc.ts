export type XmlRpcValue = string | number | boolean | null | XmlRpcValue[] | { [name: string]: XmlRpcValue }

/** What a server answers when it refuses a call. */
export class XmlRpcFault extends Error {
  override readonly name = 'XmlRpcFault'
  readonly code: number

  constructor(code: number, message: string) {
    super(message)
    this.code = code
  }
}

/** @see http://xmlrpc.com/spec.md */
export function encodeCall(method: string, params: readonly (string | number | boolean)[]): string {
  const encoded = params.map((param) => `<param><value>${encodeScalar(param)}</value></param>`).join('')
  return `<?xml version="1.0"?><methodCall><methodName>${escape(method)}</methodName><params>${encoded}</params></methodCall>`
}

function encodeScalar(value: string | number | boolean): string {
  if (typeof value === 'boolean') return `<boolean>${value ? 1 : 0}</boolean>`
  if (typeof value === 'string') return `<string>${escape(value)}</string>`
  return Number.isInteger(value) ? `<int>${value}</int>` : `<double>${value}</double>`
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}

/**
 * Reads the answer of a call. As supervisord 4.2.5 sends one (the line breaks are its own):
 *
 *     <?xml version='1.0'?>
 *     <methodResponse>
 *     <params>
 *     <param>
 *     <value><struct>
 *     <member>
 *     <name>name</name>
 *     <value><string>haproxy</string></value>
 *     </member>
 *     <member>
 *     <name>pid</name>
 *     <value><int>4711</int></value>
 *     </member>
 *     </struct></value>
 *     </param>
 *     </params>
 *     </methodResponse>
 *
 * Throws XmlRpcFault for `<fault>`, and SyntaxError for what is no answer at all.
 */
export function decodeResponse(xml: string): XmlRpcValue {
  const reader = new Reader(xml)
  reader.open('methodResponse')
  if (reader.at('fault')) {
    reader.open('fault')
    const { faultCode, faultString } = reader.value() as { faultCode: number; faultString: string }
    throw new XmlRpcFault(faultCode, faultString)
  }
  reader.open('params')
  reader.open('param')
  return reader.value()
}

/** The tags and the text between them, from front to back. */
class Reader {
  readonly #tokens: string[]
  #next = 0

  constructor(xml: string) {
    this.#tokens = xml.match(/<[^>]*>|[^<]+/g)?.filter((token) => !token.startsWith('<?')) ?? []
  }

  at(name: string): boolean {
    this.#skipBlank()
    return this.#tokens[this.#next] === `<${name}>`
  }

  open(name: string): void {
    if (!this.at(name)) throw new SyntaxError(`No <${name}> in an XML-RPC answer, but ${this.#peek()}`)
    this.#next += 1
  }

  value(): XmlRpcValue {
    if (this.#skipIf('<value/>')) return ''
    this.open('value')
    // A value without a type is a string.
    const value = /^<[^/]/.test(this.#peek()) || this.#typeFollows() ? this.#typed() : this.#text()
    this.#close('value')
    return value
  }

  #typed(): XmlRpcValue {
    this.#skipBlank()
    const tag = this.#peek()
    this.#next += 1
    if (tag.endsWith('/>')) return tag === '<nil/>' ? null : ''
    const type = tag.slice(1, -1)
    const value = this.#content(type)
    this.#close(type)
    return value
  }

  #content(type: string): XmlRpcValue {
    switch (type) {
      case 'struct':
        return this.#struct()
      case 'array':
        return this.#array()
      case 'string':
        return this.#text()
      case 'boolean':
        return this.#text() === '1'
      case 'int':
      case 'i4':
      case 'i8':
      case 'double':
        return Number(this.#text())
      default:
        throw new SyntaxError(`Unknown type <${type}> in an XML-RPC answer`)
    }
  }

  #struct(): XmlRpcValue {
    const members: [string, XmlRpcValue][] = []
    while (this.at('member')) {
      this.open('member')
      this.open('name')
      const name = this.#text()
      this.#close('name')
      members.push([name, this.value()])
      this.#close('member')
    }
    return Object.fromEntries(members)
  }

  #array(): XmlRpcValue {
    if (this.#skipIf('<data/>')) return []
    this.open('data')
    const items: XmlRpcValue[] = []
    while (this.at('value') || this.at('value/')) items.push(this.value())
    this.#close('data')
    return items
  }

  #text(): string {
    const text = this.#peek()
    if (text.startsWith('<')) return ''
    this.#next += 1
    return unescape(text)
  }

  #close(name: string): void {
    this.open(`/${name}`)
  }

  #typeFollows(): boolean {
    return this.#peek().trim() === '' && /^<[^/]/.test(this.#tokens[this.#next + 1] ?? '')
  }

  #skipIf(tag: string): boolean {
    this.#skipBlank()
    if (this.#peek() !== tag) return false
    this.#next += 1
    return true
  }

  #skipBlank(): void {
    if (this.#peek() !== '' && this.#peek().trim() === '') this.#next += 1
  }

  #peek(): string {
    return this.#tokens[this.#next] ?? ''
  }
}

const ENTITIES: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }

function unescape(text: string): string {
  return text.replace(/&(?:#(\d+)|#x([0-9a-f]+)|(\w+));/gi, (whole, decimal?: string, hex?: string, name?: string) => {
    if (name !== undefined) return ENTITIES[name] ?? whole
    return String.fromCodePoint(decimal === undefined ? Number.parseInt(hex ?? '', 16) : Number(decimal))
  })
}
