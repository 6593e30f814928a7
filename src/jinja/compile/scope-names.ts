import type { Body, Statement, SyntaxNode, Target } from '../syntax/syntax.ts'
import { namesOf, namesReadIn } from '../syntax/walk-syntax.ts'

/**
 * What a name of a scope is when the scope is entered:
 * - given: what was given to the template under that name;
 * - outer: what the scope around has under that name at that moment;
 * - unset: undefined, even when the template was given something under that name;
 * - parameter: whatever the statement that enters the scope puts there.
 */
export type Beginning = 'given' | 'outer' | 'unset' | 'parameter'

/** Whether a scope around knows a name. */
export type KnownOutside = (name: string) => boolean

/** What belongs to a scope, in the order in which it is looked through. */
export interface ScopeParts {
  readonly parameters?: Iterable<string>
  readonly parts: readonly unknown[]
}

/**
 * The names of one scope, found as Jinja2 finds them before it renders: a name
 * that is read before it is set, or set in some branches only, begins as what
 * was given; a name that is set first begins as nothing. What is inside loops,
 * macros and blocks is not looked at, as those have scopes of their own.
 */
export class ScopeNames {
  readonly beginnings: Map<string, Beginning>
  readonly #knownOutside: KnownOutside
  readonly #set: Set<string>

  private constructor(knownOutside: KnownOutside, beginnings: Map<string, Beginning>, set: Set<string>) {
    this.#knownOutside = knownOutside
    this.beginnings = beginnings
    this.#set = set
  }

  static find({ parameters = [], parts }: ScopeParts, knownOutside: KnownOutside): ScopeNames {
    const names = new ScopeNames(knownOutside, new Map(), new Set())
    for (const name of parameters) {
      names.beginnings.set(name, 'parameter')
      names.#set.add(name)
    }
    for (const part of parts) names.#look(part)
    return names
  }

  isSet(name: string): boolean {
    return this.#set.has(name)
  }

  #look(part: unknown): void {
    if (isBody(part)) for (const statement of part.children) this.#statement(statement)
    else this.#read(part)
  }

  #statement(node: Statement): void {
    if (node.typename === 'If') return this.#branches(node)
    this.#read(readAround(node))
    if (node.typename === 'Macro') this.#store(node.name)
    if (node.typename === 'Set' || node.typename === 'SetBlock') this.#assign(node.target)
  }

  #read(part: unknown): void {
    for (const name of namesReadIn(part)) {
      if (!this.beginnings.has(name) && !this.#knownOutside(name)) this.beginnings.set(name, 'given')
    }
  }

  #assign(target: Target): void {
    if (target.typename === 'NamespaceTarget') this.#read(target)
    else for (const name of namesOf(target)) this.#store(name)
  }

  #store(name: string): void {
    this.#set.add(name)
    if (!this.beginnings.has(name)) this.beginnings.set(name, this.#knownOutside(name) ? 'outer' : 'unset')
  }

  /**
   * The branches are the first one, all of `elif` together, and `else`; one
   * that is not written sets nothing.
   */
  #branches(node: SyntaxNode<'If'>): void {
    this.#read(node.cond)
    const { elifs, otherwise } = chainOf(node)
    const branches = [
      this.#branch(() => [node.body]),
      this.#branch((branch) => {
        for (const { cond, body } of elifs) branch.#oneBranch(cond, body)
        return []
      }),
      this.#branch(() => (otherwise === undefined ? [] : [otherwise]))
    ]
    this.#merge(branches)
  }

  #oneBranch(cond: unknown, body: Body): void {
    this.#read(cond)
    this.#merge([this.#branch(() => [body]), this.#branch(() => [])])
  }

  #branch(partsOf: (branch: ScopeNames) => readonly unknown[]): ScopeNames {
    const branch = new ScopeNames(this.#knownOutside, new Map(this.beginnings), new Set(this.#set))
    for (const part of partsOf(branch)) branch.#look(part)
    return branch
  }

  /** What only some of the branches set must be there already when another one was taken. */
  #merge(branches: readonly ScopeNames[]): void {
    const setBefore = new Set(this.#set)
    for (const branch of branches) {
      for (const [name, beginning] of branch.beginnings) this.beginnings.set(name, beginning)
      for (const name of branch.#set) this.#set.add(name)
    }
    for (const name of this.#set) {
      if (setBefore.has(name) || branches.every((branch) => branch.#set.has(name))) continue
      this.beginnings.set(name, this.#knownOutside(name) ? 'outer' : 'given')
    }
  }
}

/** The field of a statement that is read in the scope in which it stands. */
const READ_AROUND: Partial<Record<Statement['typename'], string>> = {
  Output: 'children',
  For: 'arr',
  Set: 'value',
  With: 'values',
  CallBlock: 'call',
  FilterBlock: 'filter',
  NeedsLoader: 'optional'
}

function readAround(node: Statement): unknown {
  const field = READ_AROUND[node.typename]
  return field === undefined ? undefined : Object.entries(node).find(([name]) => name === field)?.[1]
}

function isBody(part: unknown): part is Body {
  return typeof part === 'object' && part !== null && 'typename' in part && part.typename === 'NodeList'
}

/** The parser puts an `elif` into the `else` of the branch before it. */
function chainOf(node: SyntaxNode<'If'>): { elifs: readonly SyntaxNode<'If'>[]; otherwise: Body | undefined } {
  const elifs: SyntaxNode<'If'>[] = []
  let last = node.else_
  while (last?.typename === 'If') {
    elifs.push(last)
    last = last.else_
  }
  return { elifs, otherwise: last ?? undefined }
}
