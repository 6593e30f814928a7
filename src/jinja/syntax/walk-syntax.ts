import type { Expression, NodeType, SyntaxNode, Target } from './syntax.ts'
import { TemplateFault, type Position } from '../template-fault.ts'

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

/** The names that are read anywhere below. */
export function namesReadIn(part: unknown): Set<string> {
  const names = new Set<string>()
  walk(part, (node) => {
    if (node.typename === 'Symbol') names.add(node.value)
    if (node.typename === 'NamespaceTarget') names.add(node.name)
  })
  return names
}

/** Whether a name is read anywhere below. */
export function mentions(part: unknown, name: string): boolean {
  return namesReadIn(part).has(name)
}

/** Where a name is set anywhere below, by a statement or by a loop. */
export function whereSet(part: unknown, name: string): Position | undefined {
  let found: Position | undefined
  walk(part, (node) => {
    const target = targetOf(node)
    if (target !== undefined && namesOf(target).includes(name)) found ??= target
  })
  return found
}

function targetOf(node: AnyNode): Target | undefined {
  if (node.typename === 'Set' || node.typename === 'SetBlock') return node.target
  return node.typename === 'For' ? node.name : undefined
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
