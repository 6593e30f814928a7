import type { Expression, Target } from './syntax.ts'
import { TemplateFault } from '../template-fault.ts'

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
