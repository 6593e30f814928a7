import type { SeededRandom } from '../seeded-random.ts'

/**
 * Writes templates out of statements: sets, loops, macros, calls, blocks, with,
 * filters, namespaces, includes. A name's first letter tells what it holds (n a
 * number, t a text, l a list, d a dict, r a list of records, a anything, none
 * and undefined among it), so that most templates render; some are wild.
 */
export class StatementGenerator {
  readonly #random: SeededRandom
  /** Macros that may be called here, with their parameters. */
  #macros: Macro[] = []
  #namespaces = 0
  #blocks = 0
  #loops = 0
  #insideMacro = false

  constructor(random: SeededRandom) {
    this.#random = random
  }

  template(): string {
    return this.#some(2, 6, () => this.#statement(3)).join('') + this.#pick(['', '\n', '\n\n', ' '])
  }

  /** JSON text in the way of Python, with a value for every kind of name; a few are missing. */
  variables(): string {
    const makers: [string, () => string][] = [
      ['n', () => this.#number()],
      ['t', () => JSON.stringify(this.#pick(TEXTS))],
      ['l', () => `[${this.#some(0, 5, () => this.#scalar()).join(', ')}]`],
      ['d', () => this.#dict(1)],
      ['r', () => `[${this.#some(0, 4, () => this.#record()).join(', ')}]`],
      ['a', () => this.#data(2)]
    ]
    const members = makers.flatMap(([kind, make]) =>
      [1, 2, 3].filter((n) => kind !== 'a' || n === 1 || this.#chance(0.8)).map((n) => `"${kind}${n}": ${make()}`)
    )
    return `{${members.join(', ')}}`
  }

  // Data

  #data(depth: number): string {
    if (depth === 0 || this.#chance(0.6)) return this.#scalar()
    if (this.#chance(0.5)) return `[${this.#some(0, 4, () => this.#data(depth - 1)).join(', ')}]`
    return this.#dict(depth - 1)
  }

  #dict(depth: number): string {
    const keys = ['k', 'x', 'Y', 'items', 'é', 'weight', '10', '9'].filter(() => this.#chance(0.4))
    return `{${keys.map((key) => `${JSON.stringify(key)}: ${this.#data(depth)}`).join(', ')}}`
  }

  #record(): string {
    const members = [
      `"name": ${JSON.stringify(this.#pick(TEXTS))}`,
      `"size": ${this.#number()}`,
      `"up": ${this.#pick(['true', 'false', 'null', '0', '""'])}`
    ]
    if (this.#chance(0.8)) members.push(`"weight": ${this.#pick(['null', '0', '1', '2.5', '256'])}`)
    if (this.#chance(0.7)) members.push(`"sub": ${this.#pick(['null', '{"x": null}', '{"x": 1}', '{}', '[1, null]'])}`)
    return `{${members.join(', ')}}`
  }

  #scalar(): string {
    return this.#pick([
      () => 'null',
      () => 'null',
      () => this.#number(),
      () => this.#number(),
      () => JSON.stringify(this.#pick(TEXTS)),
      () => JSON.stringify(this.#pick(TEXTS)),
      () => this.#pick(['true', 'false', '""', '0', '[]', '{}'])
    ])()
  }

  #number(): string {
    return this.#pick(['0', '1', '2', '3', '-1', '7', '80', '0.0', '1.0', '2.5', '-0.5', '1e3', '12345678901234567890'])
  }

  // Statements

  #statement(depth: number): string {
    const makers = [
      () => this.#line(),
      () => this.#line(),
      () => this.#print(this.#any(2)),
      () => this.#print(this.#any(2)),
      () => this.#set(),
      () => this.#set()
    ]
    if (depth > 0) {
      const inner = depth - 1
      makers.push(
        () => this.#if(inner),
        () => this.#if(inner),
        () => this.#for(inner),
        () => this.#for(inner),
        () => this.#for(inner),
        () => this.#recursive(),
        () => this.#with(inner),
        () => this.#macro(inner),
        () => this.#callMacro(),
        () => this.#callMacro(),
        () => this.#callBlock(inner),
        () => this.#filterBlock(inner),
        () => this.#setBlock(inner),
        () => this.#namespace(inner),
        () => this.#block(inner),
        () => this.#rare()
      )
    }
    return this.#pick(makers)()
  }

  #body(depth: number): string {
    return this.#some(1, 3, () => this.#statement(depth)).join('')
  }

  /** What is written inside of a macro or a loop may call only what it can see. */
  #inside(depth: number): string {
    const seen = this.#macros
    const body = this.#body(depth)
    this.#macros = seen
    return body
  }

  #line(): string {
    return this.#pick(['server ', '  ', 'x: ', '# ', '{ } %', '\n', '\n\n', '\t', 'é ', ''])
  }

  #print(expression: string): string {
    return `{{${this.#mark('-')} ${expression} ${this.#mark('-')}}}${this.#pick(['', ' ', ';', '\n'])}`
  }

  #tag(code: string): string {
    return `{%${this.#mark('-+')} ${code} ${this.#mark('-+')}%}${this.#pick(['', '', '\n'])}`
  }

  #mark(marks: string): string {
    return this.#chance(0.2) ? this.#pick([...marks]) : ''
  }

  #set(): string {
    if (this.#chance(0.15)) {
      return this.#tag(`set a${this.#digit()}, n${this.#digit()} = ${this.#any(1)}, ${this.#num(1)}`)
    }
    const kind = this.#pick(KINDS)
    return this.#tag(`set ${kind}${this.#digit()} = ${this.#ofKind(kind, 2)}`)
  }

  #if(depth: number): string {
    const elif = this.#chance(0.3) ? this.#tag(`elif ${this.#test(1)}`) + this.#body(depth) : ''
    const otherwise = this.#chance(0.4) ? this.#tag('else') + this.#body(depth) : ''
    return this.#tag(`if ${this.#test(2)}`) + this.#body(depth) + elif + otherwise + this.#tag('endif')
  }

  #for(depth: number): string {
    const [target, source] = this.#pick([
      () => [`a${this.#digit()}`, this.#list(1)],
      () => [`a${this.#digit()}`, this.#list(1)],
      () => [`d${this.#digit()}`, this.#records(1)],
      () => [`d${this.#digit()}`, this.#records(1)],
      () => [`t1, a1`, `${this.#dictionary(1)}.items()`],
      () => [`t2, a2`, `${this.#dictionary(1)}|dictsort`],
      () => [`t1`, this.#dictionary(0)],
      () => [`n${this.#digit()}`, `range(${this.#random.below(4)})`],
      () => ['a1, l1', `${this.#records(0)}|groupby('${this.#pick(['name', 'size', 'weight', 'up'])}')`],
      () => ['l2', `${this.#list(0)}|batch(2${this.#pick(['', ', none', ", 'x'"])})`]
    ])() as [string, string]
    const filter = this.#chance(0.25) ? ` if ${this.#test(1)}` : ''
    const otherwise = this.#chance(0.25) ? this.#tag('else') + this.#inside(depth) : ''
    const head = this.#tag(`for ${target} in ${source}${filter}`)
    this.#loops += 1
    const body = this.#inside(depth)
    this.#loops -= 1
    return head + body + otherwise + this.#tag('endfor')
  }

  #recursive(): string {
    const item = this.#pick(['{{ a1 }}', '{{ loop.depth }}{{ a1 }}', '{{ loop.index }}', '{{ a1 is none }}'])
    return (
      this.#tag(`for a1 in [${this.#any(0)}, [${this.#any(0)}, none], []] recursive`) +
      `{% if a1 is sequence and a1 is not string %}[{{ loop(a1) }}]{% else %}${item},{% endif %}` +
      this.#tag('endfor')
    )
  }

  #with(depth: number): string {
    const names = this.#some(0, 2, () => {
      const kind = this.#pick(KINDS)
      return `${kind}${this.#digit()} = ${this.#ofKind(kind, 0)}`
    })
    return this.#tag(`with ${names.join(', ')}`) + this.#inside(depth) + this.#tag('endwith')
  }

  #macro(depth: number): string {
    const required = this.#chance(0.6) ? ['a1'] : []
    const optional = ['n2', 't2', 'a2', 'l2', 'a3'].filter(() => this.#chance(0.35))
    const name = `m${this.#macros.length}`
    const defaults = optional.map((one) => `${one}=${this.#chance(0.4) ? 'none' : this.#ofKind(one.charAt(0), 0)}`)
    const extras = this.#pick(['', '', '{{ varargs }}', '{{ kwargs }}', '{{ varargs|length }}{{ kwargs|dictsort }}'])
    const caller = this.#chance(0.3) ? '{{ caller() if caller is defined else none }}' : ''
    const text =
      this.#tag(`macro ${name}(${[...required, ...defaults].join(', ')})`) +
      this.#outsideLoops(() => this.#inside(depth)) +
      extras +
      caller +
      this.#tag('endmacro')
    const macro = { name, required, optional, extras: extras !== '', caller: caller !== '' }
    this.#macros = [...this.#macros, macro]
    return text
  }

  /** A macro sees no loop around it. */
  #outsideLoops(write: () => string): string {
    const [loops, insideMacro] = [this.#loops, this.#insideMacro]
    this.#loops = 0
    this.#insideMacro = true
    const text = write()
    this.#loops = loops
    this.#insideMacro = insideMacro
    return text
  }

  #arguments(macro: Macro): string {
    const positional = macro.required.map(() => this.#any(1))
    const named = macro.optional
      .filter(() => this.#chance(0.6))
      .map((name) => `${name}=${this.#chance(0.3) ? 'none' : this.#any(1)}`)
    const spread = macro.extras && this.#chance(0.4) ? [this.#pick(['x=none', 'y=1', '**{"z": none}'])] : []
    return [...positional, ...named, ...spread].join(', ')
  }

  #callMacro(): string {
    if (this.#macros.length === 0) return this.#line()
    const macro = this.#pick(this.#macros)
    const call = `${macro.name}(${this.#arguments(macro)})`
    return this.#print(this.#pick([call, call, `${call}|trim`, `${call}|length`, `${call}|upper`]))
  }

  #callBlock(depth: number): string {
    const macro = this.#macros.find(({ caller }) => caller)
    if (macro === undefined) return this.#line()
    return (
      this.#tag(`call ${macro.name}(${this.#arguments(macro)})`) +
      this.#outsideLoops(() => this.#inside(depth)) +
      this.#tag('endcall')
    )
  }

  #filterBlock(depth: number): string {
    const filter = this.#pick(['upper', 'trim', 'indent(2)', "replace('e', 'E')", 'upper|trim', 'tojson', 'e'])
    return this.#tag(`filter ${filter}`) + this.#inside(depth) + this.#tag('endfilter')
  }

  #setBlock(depth: number): string {
    const filter = this.#pick(['', '', ' | upper', ' | trim', ' | indent(1)'])
    const name = `t${this.#digit()}`
    return this.#tag(`set ${name}${filter}`) + this.#inside(depth) + this.#tag('endset') + this.#print(name)
  }

  #namespace(depth: number): string {
    this.#namespaces += 1
    const ns = `ns${this.#namespaces}`
    const update = this.#pick([
      `set ${ns}.a = a1`,
      `set ${ns}.n = ${ns}.n + 1`,
      `set ${ns}.l = ${ns}.l + [a1]`,
      `set ${ns}.t = ${ns}.t ~ a1`,
      `set ${ns}.new = none`
    ])
    return (
      this.#tag(`set ${ns} = namespace(a=${this.#any(0)}, n=${this.#num(0)}, l=${this.#list(0)}, t=${this.#text(0)})`) +
      this.#tag(`for a1 in ${this.#list(1)}`) +
      this.#tag(update) +
      (this.#chance(0.3) ? this.#inside(Math.min(depth, 1)) : '') +
      this.#tag('endfor') +
      this.#print(this.#pick([`${ns}.a`, `${ns}.n`, `${ns}.l`, `${ns}.t`, `${ns}.new`, `${ns}.nope is defined`]))
    )
  }

  #block(depth: number): string {
    // A macro that is made in a block of a macro changes what the outer one takes in Jinja2.
    if (this.#loops > 0 || this.#insideMacro) return this.#line()
    this.#blocks += 1
    const macros = this.#macros
    this.#macros = []
    const name = `b${this.#blocks}`
    const body = this.#inside(depth)
    this.#macros = macros
    return (
      this.#tag(`block ${name}`) +
      body +
      this.#tag('endblock') +
      (this.#chance(0.3) ? this.#print(`self.${name}()`) : '')
    )
  }

  #rare(): string {
    return this.#pick([
      '{% raw %}{{ x }} {% y %}{% endraw %}',
      '{# a comment {{ nope.x }} #}',
      '{% include none ignore missing %}',
      '{% include a1 ignore missing %}',
      '{% print none, 1 %}',
      "{% set c = cycler('a', none) %}{{ c.next() }}{{ c.next() }}{{ c.current }}",
      "{% set j = joiner('|') %}{{ j() }}{{ j() }}",
      `{{ ${this.#any(1)} + ${this.#any(1)} }}`,
      `{% for a1 in ${this.#any(1)} %}{{ a1 }}{% endfor %}`,
      `{{ ${this.#any(1)}.x }}`,
      `{{ ${this.#any(1)} < ${this.#any(1)} }}`,
      `{{ ${this.#any(1)}|${this.#pick(['length', 'sort', 'sum', 'list', 'first', 'upper', 'int', 'tojson', 'dictsort', 'indent', 'join', 'abs', 'unique|list', 'max'])} }}`
    ])
  }

  // Expressions

  #ofKind(kind: string, depth: number): string {
    if (kind === 'n') return this.#num(depth)
    if (kind === 't') return this.#text(depth)
    if (kind === 'l') return this.#list(depth)
    if (kind === 'd') return this.#dictionary(depth)
    return this.#any(depth)
  }

  #any(depth: number): string {
    const makers = [
      () => `a${this.#digit()}`,
      () => `a${this.#digit()}`,
      () => 'none',
      () => 'nope',
      () => this.#pick(['true', 'false', '0', "''", '[]', '{}', '1.0', "'x'"]),
      () => (this.#loops > 0 ? this.#pick(LOOP_VALUES) : 'n1')
    ]
    if (depth > 0) {
      const inner = depth - 1
      makers.push(
        () => this.#num(inner),
        () => this.#text(inner),
        () => this.#list(inner),
        () => this.#dictionary(inner),
        () => `(${this.#test(inner)})`,
        () => `(${this.#any(inner)} if ${this.#test(inner)} else ${this.#any(inner)})`,
        () => `(${this.#any(inner)} if ${this.#test(inner)})`,
        () => `(${this.#any(inner)} ${this.#pick(['or', 'and'])} ${this.#any(inner)})`,
        () => `(${this.#any(inner)}|default(${this.#any(inner)}${this.#pick(['', ', true'])}))`,
        () => `${this.#dictionary(inner)}.get('${this.#pick(KEYS)}'${this.#pick(['', ', none', ', 5'])})`,
        () => `${this.#dictionary(0)}.${this.#pick(KEYS)}`,
        () => `${this.#dictionary(0)}['${this.#pick(KEYS)}']`,
        () => `(${this.#list(inner)})[${this.#pick(['0', '-1', '5', 'n1|int'])}]`,
        () => `(${this.#list(inner)}|${this.#pick(['first', 'last', 'length'])})`,
        () => `[${this.#any(inner)}, ${this.#any(inner)}]`,
        () => `{'k': ${this.#any(inner)}, 'x': none}`,
        () => `(${this.#any(inner)}, none)`
      )
    }
    return this.#pick(makers)()
  }

  #num(depth: number): string {
    const simple = [`n${this.#digit()}`, `n${this.#digit()}`, '0', '1', '3', '2.5']
    if (depth <= 0) return this.#pick([...simple, ...(this.#loops > 0 ? ['loop.index', 'loop.length'] : [])])
    const inner = depth - 1
    return this.#pick([
      () => this.#pick(simple),
      () => `(${this.#num(inner)} ${this.#pick(['+', '-', '*'])} ${this.#num(inner)})`,
      () => `(${this.#num(inner)} ${this.#pick(['/', '//', '%'])} ${this.#pick(['2', '3', '0.5', '-7'])})`,
      () => `(${this.#any(inner)}|${this.#pick(['int', 'float', 'int(7)'])})`,
      () => `(${this.#list(inner)}|length)`,
      () => `(${this.#list(inner)}|select('number')|${this.#pick(['sum', 'list|length'])})`,
      () => `(${this.#num(inner)}|${this.#pick(['abs', 'round', 'round(1)', "round(0, 'floor')", 'int'])})`,
      () => `(${this.#text(inner)}|length)`,
      () => `(${this.#records(0)}|map(attribute='weight', default=0)|map('default', 0, true)|sum)`
    ])()
  }

  #text(depth: number): string {
    const simple = [`t${this.#digit()}`, `t${this.#digit()}`, "'a b'", "''", '"Web-1"']
    if (depth <= 0) return this.#pick(simple)
    const inner = depth - 1
    return this.#pick([
      () => this.#pick(simple),
      () => `(${this.#text(inner)} ~ ${this.#any(inner)})`,
      () => `(${this.#any(inner)}|string)`,
      () => `(${this.#any(inner)}|${this.#pick(['upper', 'lower', 'title', 'trim', 'e', 'capitalize', 'center(9)'])})`,
      () =>
        `(${this.#text(inner)}|${this.#pick(['indent(2)', "replace('a', '-')", 'truncate(4, true)', 'reverse', 'urlencode', 'wordwrap(4)'])})`,
      () => `(${this.#list(inner)}|join(${this.#pick(["','", "''", "'-'"])}))`,
      () => `('%s|%s' % (${this.#any(inner)}, ${this.#any(inner)}))`,
      () => `('%s'|format(${this.#any(inner)}))`,
      () => `'{}/{}'.format(${this.#any(inner)}, ${this.#num(inner)})`,
      () =>
        `(${this.#text(inner)}).${this.#pick(['upper()', 'strip()', "split('b')|join('+')", "replace('e', 'E')", 'title()', "rjust(8, '.')"])}`,
      () => `(${this.#text(inner)})[${this.#pick(['1:', ':-1', '::-1', ':3', '-2:'])}]`,
      () => `(${this.#list(inner)}|tojson)`,
      () => `(${this.#any(inner)}|tojson)`
    ])()
  }

  #list(depth: number): string {
    const simple = [`l${this.#digit()}`, `l${this.#digit()}`, '[none, 1]', '[]', "['b', 'a', 'B']", '(none, 2)']
    if (depth <= 0) return this.#pick(simple)
    const inner = depth - 1
    return this.#pick([
      () => this.#pick(simple),
      () => `[${this.#some(0, 3, () => this.#any(inner)).join(', ')}]`,
      () => `((${this.#list(inner)})|list + (${this.#list(inner)})|list)`,
      () => `(${this.#list(inner)}|${this.#pick(LIST_FILTERS)}|list)`,
      () => `(${this.#records(0)}|${this.#pick(RECORD_FILTERS)}|list)`,
      () => `(${this.#dictionary(inner)}|${this.#pick(['dictsort', 'list', 'items|list'])})`,
      () => `(${this.#dictionary(inner)}.${this.#pick(['keys', 'values', 'items'])}()|list)`,
      () => `(${this.#list(inner)})[${this.#pick(['1:', ':-1', '::-1', ':2'])}]`,
      () => `(${this.#text(inner)}.split(${this.#pick(['', "','", 'none'])}))`,
      () => `(range(${this.#random.below(4)})|list)`,
      () => `(${this.#any(0)}|default([], true) if ${this.#any(0)} is sequence else [none])`
    ])()
  }

  #records(depth: number): string {
    const simple = [`r${this.#digit()}`, `r${this.#digit()}`, "[{'name': 'n', 'size': 1, 'weight': none}]"]
    if (depth <= 0) return this.#pick(simple)
    return this.#pick([
      () => this.#pick(simple),
      () => `(${this.#pick(simple)}|sort(attribute='${this.#pick(['name', 'size'])}'))`,
      () =>
        `(${this.#pick(simple)}|${this.#pick(["selectattr('up')", "rejectattr('weight', 'none')", "selectattr('weight', 'defined')", "rejectattr('up')"])}|list)`
    ])()
  }

  #dictionary(depth: number): string {
    const simple = [`d${this.#digit()}`, `d${this.#digit()}`, "{'k': none}", '{}']
    if (depth <= 0) return this.#pick(simple)
    return this.#pick([
      () => this.#pick(simple),
      () => `{'k': ${this.#any(depth - 1)}, 'weight': ${this.#num(depth - 1)}}`,
      () => `dict(${this.#pick(simple)}, x=${this.#any(depth - 1)})`
    ])()
  }

  #test(depth: number): string {
    const inner = Math.max(0, depth - 1)
    return this.#pick([
      () => this.#any(inner),
      () => `${this.#any(inner)} is ${this.#pick(['', 'not '])}${this.#pick(TESTS)}`,
      () => `${this.#any(inner)} is ${this.#pick(['', 'not '])}${this.#pick(['none', 'defined', 'undefined'])}`,
      () => `${this.#any(inner)} ${this.#pick(['==', '!='])} ${this.#any(inner)}`,
      () => `${this.#num(inner)} ${this.#pick(['<', '<=', '>', '>=', '=='])} ${this.#num(inner)}`,
      () => `${this.#any(inner)} ${this.#pick(['in', 'not in'])} ${this.#list(inner)}`,
      () => `(${this.#any(inner)} ${this.#pick(['or', 'and'])} ${this.#any(inner)})`,
      () => `(not ${this.#any(inner)})`,
      () =>
        this.#loops > 0 ? this.#pick(['loop.first', 'loop.last', 'loop.changed(a1)', 'loop.previtem is defined']) : 'l1'
    ])()
  }

  // Chance

  #pick<T>(choices: readonly T[]): T {
    return this.#random.pick(choices)
  }

  #some<T>(min: number, max: number, make: () => T): T[] {
    return this.#random.some(min, max, make)
  }

  #chance(probability: number): boolean {
    return this.#random.chance(probability)
  }

  #digit(): string {
    return this.#pick(['1', '2', '3'])
  }
}

interface Macro {
  readonly name: string
  readonly required: readonly string[]
  readonly optional: readonly string[]
  /** Takes more arguments than it names. */
  readonly extras: boolean
  readonly caller: boolean
}

const KINDS = ['n', 't', 'l', 'd', 'a', 'a']
const KEYS = ['k', 'x', 'Y', 'weight', 'nope']
const TEXTS = ['', 'a', 'Web-1', 'b c', 'é', '😀x', '10', '0', "it's", 'a\nb', '<&>', 'None', ' x ']
const TESTS = [
  'string',
  'number',
  'mapping',
  'iterable',
  'sequence',
  'boolean',
  'integer',
  'float',
  'true',
  'false',
  'callable',
  'sameas none',
  'in [none, 1]',
  "eq 'a'",
  'escaped',
  'lower'
]
const LOOP_VALUES = [
  'loop.index',
  'loop.first',
  'loop.last',
  'loop.revindex0',
  'loop.previtem',
  'loop.nextitem',
  "loop.cycle('a', none)",
  'loop.changed(a1)',
  'loop.depth',
  'loop.nope'
]
const LIST_FILTERS = [
  'reverse',
  'unique',
  "map('string')",
  "map('string')|sort",
  "map('default', 'D')",
  "map('default', 'D', true)",
  'select',
  'reject',
  "select('none')",
  "reject('none')",
  "select('string')",
  "select('number')|sort",
  "reject('in', [none, 1])",
  'batch(2)',
  'batch(2, none)',
  'slice(2)',
  "map('upper')",
  "map('tojson')",
  "map('int')|sort(reverse=true)"
]
const RECORD_FILTERS = [
  "map(attribute='name')",
  "map(attribute='weight')",
  "map(attribute='weight', default='-')",
  "map(attribute='sub.x', default=0)",
  "selectattr('weight')|map(attribute='name')",
  "rejectattr('up')|map(attribute='size')",
  "selectattr('weight', 'none')",
  "selectattr('size', 'gt', 1)|map(attribute='name')",
  "sort(attribute='name')|map(attribute='name')",
  "groupby('name')",
  "groupby('up', default=none)|map(attribute='0')",
  "unique(attribute='weight')|map(attribute='weight')"
]
