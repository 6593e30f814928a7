import type { Body, NodeType, Statement, SyntaxNode } from './syntax.ts'
import { namesOf } from './targets.ts'

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
