import { TemplateFault } from '../../template-fault.ts'
import { equals, sortValues } from '../comparison.ts'
import { asReverse, byPosition, withParameters, type BoundArguments } from '../native-function.ts'
import { repr } from '../print.ts'
import { itemsOf, sizeOf, spendOnCopy } from '../sequences.ts'
import { NONE, type NativeFunction, type None, type Runtime, type Tuple, type Value } from '../value.ts'

/** Items that are moved within a list for one step. */
const ITEMS_PER_STEP = 64

type ListImplementation<L> = (list: L, args: BoundArguments, runtime: Runtime) => Value

const listImplementations: Record<string, readonly [parameters: readonly string[], run: ListImplementation<Value[]>]> =
  {
    append: [['object'], (list, [item]) => nothing(list.push(item as Value))],
    extend: [
      ['iterable'],
      (list, [items], runtime) => {
        for (const item of [...itemsOf(items as Value, runtime)]) list.push(item)
        return NONE
      }
    ],
    insert: [['index', 'object'], (list, [index, item]) => nothing(list.splice(asIndex(index), 0, item as Value))],
    remove: [['value'], (list, [item], runtime) => nothing(list.splice(findIn(list, [item], runtime), 1))],
    pop: [['index?'], pop],
    clear: [[], (list) => nothing((list.length = 0))],
    copy: [
      [],
      (list, _, runtime) => {
        spendOnCopy(list.length, runtime)
        return [...list]
      }
    ],
    reverse: [[], (list) => nothing(list.reverse())],
    sort: [
      ['reverse?'],
      (list, [reverse], runtime) => {
        sortValues(list, (item) => item, asReverse(reverse), runtime).forEach((item, index) => (list[index] = item))
        return NONE
      }
    ]
  }

/** What lists and tuples have in common. */
const sharedImplementations: Record<string, readonly [string[], ListImplementation<readonly Value[]>]> = {
  index: [['value', 'start?', 'stop?'], findIn],
  count: [['value'], (list, [item], runtime) => list.filter((own) => equals(own, item as Value, runtime)).length]
}

function tableOf<L>(
  implementations: Record<string, readonly [readonly string[], ListImplementation<L>]>,
  unwrap: (value: Value) => L
): [string, NativeFunction][] {
  return Object.entries(implementations).map(([name, [parameters, run]]) => {
    const method = withParameters(name, parameters, (value, args, runtime) => {
      if (name !== 'append') runtime.spend(Math.ceil((sizeOf(value) ?? 0) / ITEMS_PER_STEP))
      return run(unwrap(value), args, runtime)
    })
    return [name, name === 'sort' ? byName(name, method) : byPosition(name, method)]
  })
}

export const listMethods: ReadonlyMap<string, NativeFunction> = new Map([
  ...tableOf(listImplementations, (value) => value as Value[]),
  ...tableOf(sharedImplementations, (value) => value as Value[])
])

export const tupleMethods: ReadonlyMap<string, NativeFunction> = new Map(
  tableOf(sharedImplementations, (value) => (value as Tuple).items)
)

/** Python's sort() takes its arguments by name alone. */
function byName(name: string, method: NativeFunction): NativeFunction {
  return (list, args, runtime) => {
    if (args.positional.length > 0) throw new TemplateFault('TypeError', `${name}() takes no positional arguments`)
    return method(list, args, runtime)
  }
}

/** Python's methods that change a list give None. */
function nothing(result: unknown): None {
  void result
  return NONE
}

function findIn(
  list: readonly Value[],
  [item, start = 0, stop = list.length]: BoundArguments,
  runtime: Runtime
): number {
  runtime.spend(list.length)
  const [first, end] = [fromEnd(asIndex(start), list.length), fromEnd(asIndex(stop), list.length)]
  for (let index = first; index < end && index < list.length; index++) {
    if (equals(list[index] as Value, item as Value, runtime)) return index
  }
  throw new TemplateFault('ValueError', `${repr(item as Value)} is not in list`)
}

function fromEnd(index: number, length: number): number {
  return index < 0 ? Math.max(0, index + length) : index
}

function asIndex(value: Value | undefined): number {
  if (typeof value === 'number' || typeof value === 'boolean') return Number(value)
  throw new TemplateFault('TypeError', `an index must be an integer, not ${repr(value ?? NONE)}`)
}

function pop(list: Value[], [index = -1]: BoundArguments): Value {
  if (list.length === 0) throw new TemplateFault('IndexError', 'pop from empty list')
  const [popped] = inRange(asIndex(index), list.length) ? list.splice(asIndex(index), 1) : []
  if (popped === undefined) throw new TemplateFault('IndexError', 'pop index out of range')
  return popped
}

function inRange(index: number, length: number): boolean {
  return index >= -length && index < length
}
