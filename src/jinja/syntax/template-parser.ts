import { ExpressionParser } from './expression-parser.ts'
import { Lexer } from './lexer.ts'
import {
  makeNode,
  type Body,
  type Expression,
  type Signature,
  type Statement,
  type SyntaxNode,
  type Target
} from './syntax.ts'
import { TagNesting } from './tag-nesting.ts'
import type { Token } from './tokens.ts'
import { asTarget } from './walk-syntax.ts'
import type { Position } from '../template-fault.ts'

type StatementParser = (at: Position) => Statement

/** Parses a whole template. */
export class TemplateParser extends ExpressionParser {
  readonly #nesting = new TagNesting()
  readonly #blockNames = new Set<string>()
  readonly #statements: ReadonlyMap<string, StatementParser> = new Map<string, StatementParser>([
    ['for', (at) => this.#for(at)],
    ['if', (at) => this.#if(at)],
    ['set', (at) => this.#set(at)],
    ['with', (at) => this.#with(at)],
    ['macro', (at) => this.#macro(at)],
    ['call', (at) => this.#callBlock(at)],
    ['filter', (at) => this.#filterBlock(at)],
    ['block', (at) => this.#block(at)],
    ['print', (at) => this.#print(at)],
    ['autoescape', (at) => this.#autoescape(at)],
    ['include', (at) => this.#include(at)],
    ['import', (at) => this.#needsLoader('import', at)],
    ['from', (at) => this.#needsLoader('from', at)],
    ['extends', (at) => this.#needsLoader('extends', at)]
  ])

  static parse(source: string): Body {
    return new TemplateParser(new Lexer(source).tokens()).#body([])
  }

  /** Everything up to one of the tags, which stays to be read, or to the end of the template when none is awaited. */
  #body(endTags: readonly string[]): Body {
    const start = this.look(0)
    const children: Statement[] = []
    if (endTags.length > 0) this.#nesting.expect(endTags)
    for (let token = this.nextToken(); token.type !== 'eof'; token = this.nextToken()) {
      if (token.type === 'block-start' && endTags.some((tag) => this.atSymbol(tag))) {
        this.#nesting.met()
        return makeNode('NodeList', start, children)
      }
      children.push(this.#node(token))
    }
    if (endTags.length > 0) throw this.problem(this.#nesting.complaint(undefined), this.look(0))
    return makeNode('NodeList', start, children)
  }

  #node(token: Token): Statement {
    if (token.type === 'data') return makeNode('Output', token, [makeNode('TemplateData', token, token.value)])
    if (token.type === 'block-start') {
      const statement = this.nested(() => this.#statement())
      this.require('block-end')
      return statement
    }
    const value = this.#tuple()
    this.require('variable-end')
    return makeNode('Output', token, [value])
  }

  #statement(): Statement {
    const tag = this.nextToken()
    if (tag.type !== 'symbol') throw this.problem('tag name expected', tag)
    const parse = this.#statements.get(tag.value)
    if (parse === undefined) throw this.problem(this.#nesting.complaint(tag.value), tag)
    this.#nesting.open(tag.value)
    const statement = parse(tag)
    this.#nesting.close()
    return statement
  }

  /** What a tag encloses; the end tag's name is left to be read. */
  #enclosed(...endTags: string[]): Body {
    this.skip('colon')
    this.require('block-end')
    return this.#body(endTags)
  }

  /** What a tag encloses, with the end tag's name read. */
  #closed(endTag: string): Body {
    const body = this.#enclosed(endTag)
    this.nextToken()
    return body
  }

  #tuple(): Expression {
    return this.parseTuple(
      () => this.parseExpression(),
      () => false
    )
  }

  #unconditionalTuple(ends: () => boolean = () => false): Expression {
    return this.parseTuple(() => this.parseUnconditional(), ends)
  }

  #for(at: Position): Statement {
    const target = this.#target(() => this.atSymbol('in'))
    this.require('symbol', 'in')
    const items = this.#unconditionalTuple(() => this.atSymbol('recursive'))
    const test = this.skipSymbol('if') ? this.parseExpression() : null
    const recursive = this.skipSymbol('recursive')
    const body = this.#enclosed('endfor', 'else')
    const otherwise = this.nextToken().value === 'else' ? this.#closed('endfor') : null
    return makeNode('For', at, items, target, body, otherwise, test, recursive)
  }

  #if(at: Position): Statement {
    const branches: { at: Position; cond: Expression; body: Body }[] = []
    let tag = 'elif'
    for (let here = at; tag === 'elif'; here = this.look(0)) {
      const cond = this.#unconditionalTuple()
      branches.push({ at: here, cond, body: this.#enclosed('elif', 'else', 'endif') })
      tag = this.nextToken().value
    }
    let otherwise: Body | SyntaxNode<'If'> | null = tag === 'else' ? this.#closed('endif') : null
    for (const branch of branches.reverse()) {
      otherwise = makeNode('If', branch.at, branch.cond, branch.body, otherwise)
    }
    return otherwise as SyntaxNode<'If'>
  }

  #set(at: Position): Statement {
    const target = this.#setTarget()
    if (this.skipValue('operator', '=')) return makeNode('Set', at, target, this.#tuple())
    let filter: SyntaxNode<'Filter'> | null = null
    while (this.skip('pipe')) filter = this.parseFilter(filter)
    return makeNode('SetBlock', at, target, filter, this.#closed('endset'))
  }

  #with(at: Position): Statement {
    const targets: Target[] = []
    const values: Expression[] = []
    while (!this.at('block-end')) {
      if (targets.length > 0) this.require('comma')
      targets.push(this.#target())
      this.require('operator', '=')
      values.push(this.parseExpression())
    }
    return makeNode('With', at, targets, values, this.#closed('endwith'))
  }

  #macro(at: Position): Statement {
    const name = this.#name()
    const signature = this.#parameters()
    return makeNode('Macro', at, name, signature, this.#closed('endmacro'))
  }

  #callBlock(at: Position): Statement {
    const signature = this.at('left-paren') ? this.#parameters() : { names: [], defaults: [] }
    const call = this.parseExpression()
    if (call.typename !== 'FunCall') throw this.problem('expected call', at)
    return makeNode('CallBlock', at, call, signature, this.#closed('endcall'))
  }

  #filterBlock(at: Position): Statement {
    let filter = this.parseFilter(null)
    while (this.skip('pipe')) filter = this.parseFilter(filter)
    return makeNode('FilterBlock', at, filter, this.#closed('endfilter'))
  }

  #block(at: Position): Statement {
    const name = this.require('symbol').value
    if (this.#blockNames.has(name)) {
      throw this.problem(`block '${name}' defined twice`, at, 'TemplateAssertionError')
    }
    this.#blockNames.add(name)
    const scoped = this.skipSymbol('scoped')
    this.skipSymbol('required')
    if (this.at('operator', '-')) {
      throw this.problem(
        'Block names in Jinja have to be valid Python identifiers and may not contain hyphens, use an underscore instead.'
      )
    }
    const body = this.#closed('endblock')
    this.skipSymbol(name)
    return makeNode('Block', at, name, body, scoped)
  }

  #target(ends: () => boolean = () => false): Target {
    return asTarget(this.parseTuple(() => this.parsePrimary(), ends))
  }

  /** A target, or an attribute of a namespace. */
  #setTarget(): Target {
    const dot = this.look(1)
    if (dot.type !== 'operator' || dot.value !== '.') return this.#target()
    const name = this.require('symbol')
    this.nextToken()
    return makeNode('NamespaceTarget', name, name.value, this.require('symbol').value)
  }

  #name(): string {
    const token = this.require('symbol')
    asTarget(makeNode('Symbol', token, token.value))
    return token.value
  }

  #parameters(): Signature {
    const names: string[] = []
    const defaults: Expression[] = []
    this.require('left-paren')
    while (!this.at('right-paren')) {
      if (names.length > 0) this.require('comma')
      names.push(this.#parameter(names))
      if (this.skipValue('operator', '=')) defaults.push(this.parseExpression())
      else if (defaults.length > 0) throw this.problem('non-default argument follows default argument')
      else if (names.at(-1) === 'caller') throw this.problem('the parameter "caller" needs a default')
    }
    this.nextToken()
    return { names, defaults }
  }

  #parameter(known: readonly string[]): string {
    const at = this.look(0)
    const name = this.#name()
    if (known.includes(name)) throw this.problem(`duplicate argument '${name}' in a macro`, at)
    return name
  }

  #print(at: Position): Statement {
    const values: Expression[] = []
    while (!this.at('block-end')) {
      if (values.length > 0) this.require('comma')
      values.push(this.parseExpression())
    }
    return makeNode('Output', at, values)
  }

  #autoescape(at: Position): Statement {
    const enabled = this.parseExpression()
    return makeNode('Autoescape', at, enabled, this.#closed('endautoescape'))
  }

  #include(at: Position): Statement {
    const source = this.parseExpression()
    const ignoreMissing = this.skipSymbol('ignore')
    if (ignoreMissing) this.require('symbol', 'missing')
    this.#skipToBlockEnd()
    return makeNode('NeedsLoader', at, 'include', ignoreMissing ? source : null)
  }

  #needsLoader(tag: string, at: Position): Statement {
    this.parseExpression()
    this.#skipToBlockEnd()
    return makeNode('NeedsLoader', at, tag, null)
  }

  #skipToBlockEnd(): void {
    while (!this.at('block-end') && !this.at('eof')) this.nextToken()
  }
}
