import { TemplateFault } from '../../template-fault.ts'
import { dictDelete, dictGet, dictHas, dictSet, equals } from '../comparison.ts'
import { byPosition, withParameters } from '../native-function.ts'
import { repr } from '../print.ts'
import { itemsOf } from '../sequences.ts'
import {
  Iterator,
  NONE,
  NativeObject,
  Tuple,
  Undefined,
  type Arguments,
  type Dict,
  type NativeFunction,
  type None,
  type Runtime,
  type Value
} from '../value.ts'

/** What `keys()`, `values()` and `items()` give: it follows the dict, and has no order to index by. */
class DictView extends NativeObject {
  readonly typeName: string
  readonly #dict: Dict
  readonly #pick: (key: Value, value: Value) => Value

  constructor(kind: string, dict: Dict, pick: (key: Value, value: Value) => Value) {
    super()
    this.typeName = `dict_${kind}`
    this.#dict = dict
    this.#pick = pick
  }

  override values(): Value[] {
    return Array.from(this.#dict, ([key, value]) => this.#pick(key, value))
  }

  override size(): number {
    return this.#dict.size
  }

  override contains(value: Value): boolean {
    if (this.typeName === 'dict_keys') return dictHas(this.#dict, value)
    return this.values().some((own) => equals(own, value))
  }

  override equals(other: Value): boolean {
    if (this === other) return true
    if (!(other instanceof DictView) || this.typeName === 'dict_values' || this.typeName !== other.typeName)
      return false
    return this.size() === other.size() && this.values().every((own) => other.contains(own))
  }

  override print(): string {
    return `${this.typeName}(${repr(this.values())})`
  }
}

const keysOf = (dict: Dict): Value => new DictView('keys', dict, (key) => key)
const valuesOf = (dict: Dict): Value => new DictView('values', dict, (_, value) => value)
const pairsOf = (dict: Dict): Value => new DictView('items', dict, (key, value) => new Tuple([key, value]))
const iteratorOf = (kind: string, view: (dict: Dict) => Value) => (dict: Dict, _: unknown, runtime: Runtime) =>
  new Iterator(`dict_${kind}iterator`, itemsOf(view(dict), runtime))

type DictImplementation = (dict: Dict, args: readonly (Value | undefined)[], runtime: Runtime) => Value

const implementations: Record<string, readonly [parameters: readonly string[], run: DictImplementation]> = {
  keys: [[], keysOf],
  values: [[], valuesOf],
  items: [[], pairsOf],
  // Python 2's, which templates of Kontrol's time use.
  iterkeys: [[], iteratorOf('key', keysOf)],
  itervalues: [[], iteratorOf('value', valuesOf)],
  iteritems: [[], iteratorOf('item', pairsOf)],
  has_key: [['key'], (dict, [key], runtime) => dictHas(dict, key as Value, runtime)],
  get: [
    ['key', 'default?'],
    (dict, [key, fallback = NONE], runtime) => dictGet(dict, key as Value, runtime) ?? fallback
  ],
  copy: [
    [],
    (dict, _, runtime) => {
      runtime.spend(dict.size)
      return new Map(dict)
    }
  ],
  clear: [
    [],
    (dict) => {
      dict.clear()
      return NONE
    }
  ],
  pop: [['key', 'default?'], pop],
  popitem: [[], popLast],
  setdefault: [
    ['key', 'default?'],
    (dict, [key, fallback = NONE], runtime) => {
      const known = dictGet(dict, key as Value, runtime)
      if (known === undefined) dictSet(dict, key as Value, fallback, runtime)
      return known ?? fallback
    }
  ],
  fromkeys: [
    ['iterable', 'value?'],
    (_, [keys, value = NONE], runtime) => {
      const made: Dict = new Map()
      for (const key of itemsOf(keys as Value, runtime)) dictSet(made, key, value, runtime)
      return made
    }
  ]
}

export const dictMethods: ReadonlyMap<string, NativeFunction> = new Map([
  ...Object.entries(implementations).map(([name, [parameters, run]]): [string, NativeFunction] => [
    name,
    byPosition(
      name,
      withParameters(name, parameters, (dict, args, runtime) => run(dict as Dict, args, runtime))
    )
  ]),
  ['update', (dict, args, runtime) => updateDict(dict as Dict, args, runtime)]
])

function pop(dict: Dict, [key, fallback]: readonly (Value | undefined)[], runtime: Runtime): Value {
  const value = dictGet(dict, key as Value, runtime)
  if (value === undefined) {
    if (fallback !== undefined) return fallback
    throw new TemplateFault('KeyError', repr(key as Value))
  }
  dictDelete(dict, key as Value, runtime)
  return value
}

function popLast(dict: Dict, _: unknown, runtime: Runtime): Value {
  runtime.spend(dict.size)
  const last = [...dict].at(-1)
  if (last === undefined) throw new TemplateFault('KeyError', 'popitem(): dictionary is empty')
  dict.delete(last[0])
  return new Tuple(last)
}

/** Python's dict.update and the constructor dict(): pairs or another dict, and names. */
export function updateDict(dict: Dict, { positional, keywords }: Arguments, runtime: Runtime): None {
  const [source] = positional
  if (source instanceof Undefined) throw source.fault()
  if (source instanceof Map) runtime.spend(source.size)
  if (source instanceof Map) for (const [key, value] of source) dictSet(dict, key, value, runtime)
  else if (source !== undefined)
    for (const pair of itemsOf(source, runtime)) setPair(dict, itemsOf(pair, runtime), runtime)
  for (const [name, value] of keywords ?? []) dict.set(name, value)
  return NONE
}

function setPair(dict: Dict, pair: readonly Value[], runtime: Runtime): void {
  const [key, value] = pair
  if (key === undefined || value === undefined || pair.length !== 2) {
    throw new TemplateFault('ValueError', `dictionary update sequence element has length ${pair.length}; 2 is required`)
  }
  dictSet(dict, key, value, runtime)
}
