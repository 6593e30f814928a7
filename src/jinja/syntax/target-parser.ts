import { ExpressionParser } from './expression-parser.ts'
import { makeNode, type Expression, type Signature, type Target } from './syntax.ts'
import { asTarget } from './targets.ts'

/** Parses what gives names to values: targets of assignments, and the parameters of macros. */
export class TargetParser extends ExpressionParser {
  protected parseTarget(ends: () => boolean = () => false): Target {
    return asTarget(this.parseTuple(() => this.parsePrimary(), ends))
  }

  /** A target, or an attribute of a namespace. */
  protected parseSetTarget(): Target {
    const dot = this.look(1)
    if (dot.type !== 'operator' || dot.value !== '.') return this.parseTarget()
    const name = this.require('symbol')
    this.nextToken()
    return makeNode('NamespaceTarget', name, name.value, this.require('symbol').value)
  }

  protected parseName(): string {
    const token = this.require('symbol')
    asTarget(makeNode('Symbol', token, token.value))
    return token.value
  }

  protected parseParameters(): Signature {
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
    const name = this.parseName()
    if (known.includes(name)) throw this.problem(`duplicate argument '${name}' in a macro`, at)
    return name
  }
}
