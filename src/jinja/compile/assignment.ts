import type { Frame, Scope } from './scope.ts'
import { Namespace } from '../filters/globals.ts'
import type { Target } from '../syntax/syntax.ts'
import { TemplateFault, locateFault } from '../template-fault.ts'
import { itemsOf } from '../values/sequences.ts'
import { NONE, typeName, type Value } from '../values/value.ts'

export type Assign = (frame: Frame, value: Value) => void

/** Turns the left side of an assignment into a function; its names must be declared in the scope. */
export function compileTarget(target: Target, scope: Scope): Assign {
  switch (target.typename) {
    case 'Symbol': {
      const slot = scope.slot(target.value)
      return (frame, value) => {
        frame.slots[slot] = value
      }
    }
    case 'Group':
      return compileUnpacking(target.children as readonly Target[], scope)
    case 'NamespaceTarget': {
      const owner = scope.variable(target.name)
      return (frame, value) => {
        const namespace = owner(frame)
        if (!(namespace instanceof Namespace)) {
          throw locateFault(new TemplateFault('TypeError', 'cannot assign attribute on non-namespace object'), target)
        }
        namespace.set(target.attribute, value)
      }
    }
  }
}

function compileUnpacking(targets: readonly Target[], scope: Scope): Assign {
  const assigns = targets.map((target) => compileTarget(target, scope))
  return (frame, value) => {
    const items = unpack(value, assigns.length, frame)
    assigns.forEach((assign, index) => {
      assign(frame, items[index] as Value)
    })
  }
}

function unpack(value: Value, count: number, { runtime }: Frame): readonly Value[] {
  const items = unpackable(value) ? itemsOf(value, runtime) : undefined
  if (items === undefined) {
    throw new TemplateFault('TypeError', `cannot unpack non-iterable ${typeName(value)} object`)
  }
  if (items.length > count) throw new TemplateFault('ValueError', `too many values to unpack (expected ${count})`)
  if (items.length < count) {
    throw new TemplateFault('ValueError', `not enough values to unpack (expected ${count}, got ${items.length})`)
  }
  return items
}

function unpackable(value: Value): boolean {
  return typeof value === 'string' || (typeof value === 'object' && value !== NONE)
}
