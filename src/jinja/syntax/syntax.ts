import { nunjucksNodes, type NodeConstructor } from './nunjucks-internals.ts'
import type { Position } from '../template-fault.ts'
import type { None } from '../values/value.ts'

/**
 * The syntax tree: nunjucks' nodes where it has them, ours (made with its own
 * `extend`) for the parts of Jinja2 that it lacks. Lines and columns count from 1.
 */
interface NodeFields {
  Literal: { value: None | boolean | number | bigint | string }
  FloatLiteral: { value: number }
  Symbol: { value: string }
  Array: { children: Expression[] }
  Group: { children: Expression[] }
  Dict: { children: SyntaxNode<'Pair'>[] }
  Pair: { key: Expression; value: Expression }
  LookupVal: { target: Expression; val: Expression }
  Attribute: { target: Expression; name: string }
  Slice: { start: Expression | null; stop: Expression | null; step: Expression | null }
  InlineIf: { cond: Expression; body: Expression; else_: Expression | null }
  FunCall: { name: Expression; args: CallArguments }
  Filter: { name: string; target: Expression | null; args: CallArguments }
  Test: { name: string; target: Expression; args: CallArguments }
  Or: BinaryFields
  And: BinaryFields
  Add: BinaryFields
  Sub: BinaryFields
  Mul: BinaryFields
  Div: BinaryFields
  FloorDiv: BinaryFields
  Mod: BinaryFields
  Pow: BinaryFields
  Not: { target: Expression }
  Neg: { target: Expression }
  Pos: { target: Expression }
  Join: { children: Expression[] }
  Compare: { expr: Expression; ops: SyntaxNode<'CompareOperand'>[] }
  CompareOperand: { expr: Expression; type: CompareOperator }

  NodeList: { children: Statement[] }
  Output: { children: Expression[] }
  TemplateData: { value: string }
  For: {
    arr: Expression
    name: Target
    body: Body
    else_: Body | null
    test: Expression | null
    recursive: boolean
  }
  If: { cond: Expression; body: Body; else_: Body | SyntaxNode<'If'> | null }
  Set: { target: Target; value: Expression }
  SetBlock: { target: Target; filter: SyntaxNode<'Filter'> | null; body: Body }
  With: { targets: Target[]; values: Expression[]; body: Body }
  Macro: { name: string; signature: Signature; body: Body }
  CallBlock: { call: SyntaxNode<'FunCall'>; signature: Signature; body: Body }
  FilterBlock: { filter: SyntaxNode<'Filter'>; body: Body }
  Block: { name: string; body: Body; scoped: boolean }
  Autoescape: { enabled: Expression; body: Body }
  NeedsLoader: { tag: string; optional: Expression | null }
  NamespaceTarget: { name: string; attribute: string }
}

interface BinaryFields {
  left: Expression
  right: Expression
}

export type NodeType = keyof NodeFields
export type SyntaxNode<T extends NodeType> = T extends NodeType
  ? Position & { readonly typename: T } & Readonly<NodeFields[T]>
  : never

export type CompareOperator = '==' | '!=' | '<' | '>' | '<=' | '>=' | 'in' | 'not in'

/** Arguments of a call as they are written; the stars come last. */
export interface CallArguments {
  readonly positional: readonly Expression[]
  readonly keywords: readonly (readonly [name: string, value: Expression])[]
  readonly star: Expression | undefined
  readonly doubleStar: Expression | undefined
}

/** Parameters of a macro; the last `defaults.length` of them may be left out. */
export interface Signature {
  readonly names: readonly string[]
  readonly defaults: readonly Expression[]
}

export type BinaryOperator = 'Add' | 'Sub' | 'Mul' | 'Div' | 'FloorDiv' | 'Mod' | 'Pow'

export const SUMS: ReadonlyMap<string, BinaryOperator> = new Map([
  ['+', 'Add'],
  ['-', 'Sub']
])
export const PRODUCTS: ReadonlyMap<string, BinaryOperator> = new Map([
  ['*', 'Mul'],
  ['/', 'Div'],
  ['//', 'FloorDiv'],
  ['%', 'Mod']
])
export const POWERS: ReadonlyMap<string, BinaryOperator> = new Map([['**', 'Pow']])

export type Expression = SyntaxNode<
  | 'Literal'
  | 'FloatLiteral'
  | 'Symbol'
  | 'Array'
  | 'Group'
  | 'Dict'
  | 'LookupVal'
  | 'Attribute'
  | 'Slice'
  | 'InlineIf'
  | 'FunCall'
  | 'Filter'
  | 'Test'
  | 'Or'
  | 'And'
  | BinaryOperator
  | 'Not'
  | 'Neg'
  | 'Pos'
  | 'Join'
  | 'Compare'
  | 'TemplateData'
>

export type Statement = SyntaxNode<
  | 'Output'
  | 'For'
  | 'If'
  | 'Set'
  | 'SetBlock'
  | 'With'
  | 'Macro'
  | 'CallBlock'
  | 'FilterBlock'
  | 'Block'
  | 'Autoescape'
  | 'NeedsLoader'
>

/** What may be assigned to: a name, a tuple of targets, or an attribute of a namespace. */
export type Target = SyntaxNode<'Symbol' | 'Group' | 'NamespaceTarget'>
export type Body = SyntaxNode<'NodeList'>

const OWN_NODES: Partial<Record<NodeType, readonly string[]>> = {
  FloatLiteral: ['value'],
  Attribute: ['target', 'name'],
  Slice: ['start', 'stop', 'step'],
  Filter: ['name', 'target', 'args'],
  Test: ['name', 'target', 'args'],
  For: ['arr', 'name', 'body', 'else_', 'test', 'recursive'],
  Set: ['target', 'value'],
  SetBlock: ['target', 'filter', 'body'],
  With: ['targets', 'values', 'body'],
  Macro: ['name', 'signature', 'body'],
  CallBlock: ['call', 'signature', 'body'],
  FilterBlock: ['filter', 'body'],
  Block: ['name', 'body', 'scoped'],
  Autoescape: ['enabled', 'body'],
  NeedsLoader: ['tag', 'optional'],
  NamespaceTarget: ['name', 'attribute'],
  Join: ['children']
}

const constructors: ReadonlyMap<string, NodeConstructor> = new Map([
  ...Object.entries(nunjucksNodes),
  ...Object.entries(OWN_NODES).map(([type, fields]): [string, NodeConstructor] => [
    type,
    nunjucksNodes.Node.extend(type, { fields })
  ])
])

/** Builds a node; its fields follow in the order in which nunjucks (or OWN_NODES) lists them. */
export function makeNode<T extends NodeType>(type: T, at: Position, ...fields: unknown[]): SyntaxNode<T> {
  const constructor = constructors.get(type)
  if (constructor === undefined) throw new TypeError(`no such node: ${type}`)
  return new constructor(at.lineno, at.colno, ...fields) as unknown as SyntaxNode<T>
}
