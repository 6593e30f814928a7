import { choiceFilters } from './choice-filters.ts'
import { numberFilters } from './number-filters.ts'
import { orderFilters } from './order-filters.ts'
import { sequenceFilters } from './sequence-filters.ts'
import { textFilters } from './text-filters.ts'
import type { NativeFunction } from '../values/value.ts'

/** Jinja2's filters. */
export const builtInFilters: ReadonlyMap<string, NativeFunction> = new Map([
  ...textFilters,
  ...numberFilters,
  ...sequenceFilters,
  ...orderFilters,
  ...choiceFilters
])
