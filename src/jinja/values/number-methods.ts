import type { NativeFunction } from '../compile/library.ts'
import { withParameters } from '../compile/parameters.ts'
import type { Float } from './value.ts'

export const floatMethods: ReadonlyMap<string, NativeFunction> = new Map([
  ['is_integer', withParameters('is_integer', [], (value) => Number.isInteger((value as Float).value))]
])

export const intMethods: ReadonlyMap<string, NativeFunction> = new Map([
  [
    'bit_length',
    withParameters('bit_length', [], (value) => {
      const magnitude = BigInt(value as number | bigint | boolean)
      return magnitude === 0n ? 0 : (magnitude < 0n ? -magnitude : magnitude).toString(2).length
    })
  ]
])
