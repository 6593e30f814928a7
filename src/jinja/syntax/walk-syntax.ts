import type { Body, Expression, NodeType, Statement, SyntaxNode, Target } from './syntax.ts'
import { TemplateFault } from '../template-fault.ts'

type AnyNode = SyntaxNode<NodeType>

/** Visits a node and all below it. */
function walk(part: unknown, visit: (node: AnyNode) => void): void {
  if (Array.isArray(part)) {
    for (const child of part) walk(child, visit)
  } else if (typeof part === 'object' && part !== null) {
    if ('typename' in part) visit(part as AnyNode)
    walk(Object.values(part), visit)
  }
}

/** Whether a name is read anywhere below. */
export function mentions(part: unknown, name: string): boolean {
  let found = false
  walk(part, (node) => {
    if (node.typename === 'Symbol' && node.value === name) found = true
  })
  return found
}

/** Names that the statements set in their own scope: those in loops, macros and blocks have scopes of their own. */
export function namesSetIn(body: Body): Set<string> {
  return new Set(body.children.flatMap(namesSetBy))
}

function namesSetBy(statement: Statement): string[] {
  if (statement.typename === 'Set' || statement.typename === 'SetBlock') return namesOf(statement.target)
  if (statement.typename === 'Macro') return [statement.name]
  if (statement.typename !== 'If') return []
  return [...namesSetIn(statement.body), ...namesSetInBranch(statement.else_)]
}

function namesSetInBranch(branch: Body | SyntaxNode<'If'> | null): Iterable<string> {
  if (branch === null) return []
  return branch.typename === 'If' ? namesSetBy(branch) : namesSetIn(branch)
}

const NAMES: Partial<Record<Expression['typename'], string>> = {
  Literal: 'const',
  FloatLiteral: 'const',
  Array: 'list',
  Dict: 'dict'
}

/** Refuses what cannot be assigned to. */
export function asTarget(node: Expression): Target {
  if (node.typename === 'Symbol') return node
  if (node.typename === 'Group') {
    for (const child of node.children) asTarget(child)
    return node
  }
  const name = NAMES[node.typename] ?? node.typename.toLowerCase()
  throw new TemplateFault('TemplateSyntaxError', `can't assign to '${name}'`, node.lineno, node.colno)
}

/** The plain names that a target assigns to. */
export function namesOf(target: Target): string[] {
  if (target.typename === 'Symbol') return [target.value]
  if (target.typename === 'Group') return target.children.flatMap((child) => namesOf(child as Target))
  return []
}
