import { setImmediate as nextTurn } from 'node:timers/promises'

/** A row of HAProxy's takes some 50 µs to read. */
const SLICE = 100

/** The items, with a pause after each hundred in which the event loop gets to its other work, keepalives first of all. */
export async function* inSlices<T>(items: readonly T[]): AsyncGenerator<readonly T[]> {
  for (let from = 0; from < items.length; from += SLICE) {
    if (from > 0) await nextTurn()
    yield items.slice(from, from + SLICE)
  }
}
