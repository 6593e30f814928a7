import type { SeededRandom } from '../seeded-random.ts'

/** Names in scope, by what they hold. */
interface Names {
  readonly apps: readonly string[]
  readonly lists: readonly string[]
  readonly numbers: readonly string[]
  readonly inLoop: boolean
}

const APP_NAMES = [
  'web',
  'api',
  'db',
  '10',
  '2',
  'length',
  'constructor',
  'items',
  'a-b.c',
  'Zeta',
  'zeta',
  '__proto__'
]
const DIRECTIVES = [
  'mode http',
  'balance roundrobin',
  'option httpchk GET /health',
  '# {not a tag} %[src]',
  'retries 3'
]

export function randomHosts(random: SeededRandom): Record<string, string[]> {
  const names = APP_NAMES.filter(() => random.chance(0.4))
  const address = (): string =>
    random.chance(0.8) ? `10.${random.below(3)}.0.${random.below(20)}` : `fd00::${random.below(65_536).toString(16)}`
  // From entries: an app may be named "__proto__".
  return Object.fromEntries(names.map((name) => [name, random.some(0, 4, address)]))
}

/** Writes templates in the way of people who configure HAProxy with Jinja2. */
export class TemplateGenerator {
  readonly #random: SeededRandom

  constructor(random: SeededRandom) {
    this.#random = random
  }

  template(): string {
    const top: Names = { apps: [], lists: [], numbers: [], inLoop: false }
    const macro = this.#random.chance(0.3) ? this.#macro() : ''
    const end = this.#random.pick(['', '\n', '\n\n', '\r\n'])
    return macro + this.#random.some(2, 4, () => this.#part(top, 2)).join('') + end
  }

  #part(names: Names, depth: number): string {
    const makers = [() => this.#line(names), () => this.#line(names), () => this.#set(names)]
    if (depth > 0) {
      makers.push(
        () => this.#appLoop(names, depth),
        () => this.#listLoop(names, depth),
        () => this.#condition(names, depth),
        () => this.#namespace(names, depth),
        () => this.#captured(names, depth)
      )
    }
    return this.#random.pick(makers)()
  }

  #parts(names: Names, depth: number): string {
    return this.#random.some(1, 3, () => this.#part(names, depth)).join('')
  }

  #line(names: Names): string {
    const text = this.#random.pick(DIRECTIVES)
    const printed = this.#random.some(0, 2, () => this.#print(this.#value(names, 2)))
    return `${this.#random.pick(['', '  ', '\t'])}${[text, ...printed].join(' ')}${this.#newline()}`
  }

  #newline(): string {
    return this.#random.pick(['\n', '\n', '\n', '\n\n', '\r\n', ''])
  }

  #print(expression: string): string {
    return `{{${this.#mark('-')} ${expression} ${this.#mark('-')}}}`
  }

  #tag(code: string): string {
    return `{%${this.#mark('-+')} ${code} ${this.#mark('-+')}%}${this.#random.pick(['', '\n'])}`
  }

  #mark(marks: string): string {
    return this.#random.chance(0.3) ? this.#random.pick([...marks]) : ''
  }

  #appLoop(names: Names, depth: number): string {
    const [target, source] = this.#random.pick([
      ['app', 'hosts'],
      ['app', 'hosts|sort'],
      ['app', 'hosts.keys()|list'],
      ['app, ips', 'hosts.items()'],
      ['app, ips', 'hosts|dictsort'],
      ['app, ips', 'hosts|dictsort(reverse=true)'],
      ['app, ips', 'hosts.items()|sort(attribute=0)']
    ] as const)
    const lists = target === 'app' ? names.lists : [...names.lists, 'ips']
    const inner = { ...names, apps: [...names.apps, 'app'], lists, inLoop: true }
    const filter = this.#random.chance(0.3) ? ` if ${this.#test({ ...inner, inLoop: false })}` : ''
    return this.#loop(`for ${target} in ${source}${filter}`, names, inner, depth)
  }

  #listLoop(names: Names, depth: number): string {
    const inner = { ...names, apps: [...names.apps, 'ip'], inLoop: true }
    const filter = this.#random.chance(0.3) ? ` if ${this.#test({ ...inner, inLoop: false })}` : ''
    return this.#loop(`for ip in ${this.#list(names, 1)}${filter}`, names, inner, depth)
  }

  #loop(head: string, names: Names, inner: Names, depth: number): string {
    const otherwise = this.#random.chance(0.3) ? this.#tag('else') + this.#parts(names, depth - 1) : ''
    return this.#tag(head) + this.#parts(inner, depth - 1) + otherwise + this.#tag('endfor')
  }

  #condition(names: Names, depth: number): string {
    const elif = this.#random.chance(0.3) ? this.#tag(`elif ${this.#test(names)}`) + this.#parts(names, depth - 1) : ''
    const otherwise = this.#random.chance(0.5) ? this.#tag('else') + this.#parts(names, depth - 1) : ''
    return this.#tag(`if ${this.#test(names)}`) + this.#parts(names, depth - 1) + elif + otherwise + this.#tag('endif')
  }

  #set(names: Names): string {
    const [name, value] = this.#random.pick([
      () => [this.#random.pick(['label', 'app']), this.#text(names, 2)] as const,
      () => [this.#random.pick(['port', 'n']), this.#number(names, 2)] as const
    ])()
    return this.#tag(`set ${name} = ${value}`) + this.#print(name)
  }

  #namespace(names: Names, depth: number): string {
    const inner = { ...names, numbers: [...names.numbers, 'ns.total'], inLoop: true }
    return (
      this.#tag('set ns = namespace(total=0)') +
      this.#tag(`for x in ${this.#list(names, 1)}`) +
      this.#tag(`set ns.total = ns.total + ${this.#number(inner, 1)}`) +
      this.#parts(inner, depth - 1) +
      this.#tag('endfor') +
      this.#print('ns.total')
    )
  }

  #captured(names: Names, depth: number): string {
    const body = this.#parts(names, depth - 1)
    if (this.#random.chance(0.5)) return this.#tag('filter upper') + body + this.#tag('endfilter')
    return this.#tag('set block') + body + this.#tag('endset') + this.#print('block|trim|length')
  }

  #macro(): string {
    const inner = { apps: ['name'], lists: ['ips'], numbers: ['port'], inLoop: false }
    const definition = this.#tag('macro backend(name, ips, port=80)') + this.#parts(inner, 1) + this.#tag('endmacro')
    const call = this.#print("backend('m', hosts.web or [], 8080)")
    return `${definition}${this.#tag('for k in hosts|sort')}${this.#print('backend(k, hosts[k])')}${this.#tag('endfor')}${call}`
  }

  #value(names: Names, depth: number): string {
    return this.#random.pick([
      () => this.#text(names, depth),
      () => this.#text(names, depth),
      () => this.#number(names, depth),
      () => this.#list(names, depth),
      () => `(${this.#test(names)})`
    ])()
  }

  #text(names: Names, depth: number): string {
    const simple = ["'srv'", "'a b'", '"x-1"', "''", ...names.apps, ...names.apps]
    if (depth <= 0) return this.#random.pick(simple)
    const inner = (): string => this.#text(names, depth - 1)
    return this.#random.pick([
      () => this.#random.pick(simple),
      () => `(${inner()} ~ ${this.#value(names, depth - 1)})`,
      () =>
        `(${inner()}|${this.#random.pick(['upper', 'title', 'trim', 'capitalize', 'lower', 'string', "replace('-', '_')", "replace('.', '-')", 'center(9)', "default('none', true)", 'reverse', 'urlencode', 'tojson', 'indent(2)'])})`,
      () =>
        `${inner()}.${this.#random.pick(['upper()', "replace('a', 'b')", "split('.')[0]", 'strip()', "rjust(6, '.')", 'zfill(4)', "rpartition('-')[2]", 'title()'])}`,
      () => `('%s-%03d'|format(${inner()}, ${this.#number(names, 0)}))`,
      () => `('%s:%s' % (${inner()}, ${this.#number(names, 0)}))`,
      () => `'{}/{:>4}'.format(${inner()}, ${this.#number(names, 0)})`,
      () => `(${inner()} if ${this.#test(names)} else ${inner()})`,
      () => `(${this.#list(names, depth - 1)}|join('${this.#random.pick([',', ' ', ''])}'))`,
      () => `(${this.#list(names, depth - 1)}|${this.#random.pick(['first', 'last'])}|default('-'))`,
      () => `(${inner()})[${this.#random.pick(['0', '-1', ':2', '1:', '::-1'])}]`
    ])()
  }

  #number(names: Names, depth: number): string {
    const simple = ['0', '1', '7', '80', ...names.numbers]
    if (names.inLoop) simple.push('loop.index', 'loop.index0', 'loop.revindex', 'loop.length')
    if (depth <= 0) return this.#random.pick(simple)
    const inner = (): string => this.#number(names, depth - 1)
    return this.#random.pick([
      () => this.#random.pick(simple),
      () => `(${inner()} ${this.#random.pick(['+', '-', '*'])} ${inner()})`,
      () => `(${inner()} ${this.#random.pick(['//', '%', '/'])} ${this.#random.pick(['2', '3', '-4'])})`,
      () => `(${this.#list(names, depth - 1)}|${this.#random.pick(['length', 'count'])})`,
      () => `(${this.#text(names, depth - 1)}|length)`,
      () => `((${inner()} / 3)|round(1))`,
      () => `((${inner()})|string|int)`,
      () => `([${inner()}, ${inner()}]|${this.#random.pick(['sum', 'min', 'max'])})`
    ])()
  }

  #list(names: Names, depth: number): string {
    const simple = [
      '(hosts.web or [])',
      "hosts.get('api', [])",
      "['b', 'a', 'C']",
      '[]',
      ...names.lists,
      ...names.lists
    ]
    if (depth <= 0) return this.#random.pick(simple)
    const inner = (): string => this.#list(names, depth - 1)
    return this.#random.pick([
      () => this.#random.pick(simple),
      () =>
        `(${inner()}|${this.#random.pick(['sort', 'sort(reverse=true)', 'unique|list', 'list', 'reverse|list', "map('upper')|list", "map('replace', '.', '-')|list", "select('ne', 'a')|list", "reject('in', ['b'])|list", "batch(2)|map('join', '+')|list", "sort|slice(2)|map('join')|list"])})`,
      () => `(${inner()} + ${inner()})`,
      () => `${inner()}[${this.#random.pick(['1:', ':-1', '::-1', ':2'])}]`,
      () => '(hosts.values()|sum(start=[]))',
      () => "(hosts|map('upper')|list)",
      () => `(range(${this.#random.below(4)})|map('string')|list)`
    ])()
  }

  #test(names: Names): string {
    return this.#random.pick([
      () => this.#list(names, 1),
      () =>
        `${this.#number(names, 1)} ${this.#random.pick(['<', '<=', '==', '!=', '>', '>='])} ${this.#number(names, 0)}`,
      () => `${this.#text(names, 1)} ${this.#random.pick(['in', 'not in'])} ${this.#list(names, 1)}`,
      () => `${this.#text(names, 1)} ${this.#random.pick(['==', '!=', '<'])} ${this.#text(names, 0)}`,
      () => `${this.#number(names, 1)} is ${this.#random.pick(['odd', 'even', 'divisibleby 3', 'not odd', 'number'])}`,
      () =>
        `${this.#random.pick(['nope', 'port', 'hosts.web', 'hosts.nope'])} is ${this.#random.pick(['defined', 'not defined', 'undefined', 'iterable'])}`,
      () => `${this.#list(names, 1)} ${this.#random.pick(['and', 'or'])} not ${this.#list(names, 0)}`,
      () => (names.inLoop ? this.#random.pick(['loop.first', 'not loop.last', 'loop.index is even']) : 'hosts'),
      () => `1 < ${this.#number(names, 1)} <= 5`
    ])()
  }
}
