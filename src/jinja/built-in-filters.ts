import { choiceFilters } from './filters/choice-filters.ts'
import { numberFilters } from './filters/number-filters.ts'
import { orderFilters } from './filters/order-filters.ts'
import { sequenceFilters } from './filters/sequence-filters.ts'
import { textFilters } from './filters/text-filters.ts'
import type { NativeFunction } from './library.ts'

/** Jinja2's filters. */
export const builtInFilters: ReadonlyMap<string, NativeFunction> = new Map([
  ...textFilters,
  ...numberFilters,
  ...sequenceFilters,
  ...orderFilters,
  ...choiceFilters
])
