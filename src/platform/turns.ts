import { setImmediate } from 'node:timers/promises'

/** Milliseconds of work in one turn of the event loop: keepalives are answered between two of them. */
const TURN_MS = 5
/** Between two looks at the clock. */
const ITEMS = 8

/** Long work in turns of the event loop; a short one is done in this one. */
export async function eachInTurns<T>(items: Iterable<T>, take: (item: T) => void): Promise<void> {
  let until = performance.now() + TURN_MS
  let count = 0
  for (const item of items) {
    take(item)
    if (++count % ITEMS !== 0 || performance.now() < until) continue
    await setImmediate()
    until = performance.now() + TURN_MS
  }
}

/** Characters of a text for which some steps of its handling together take as long. */
const LARGE = 128 * 1024

/** Between two steps that look at a whole text: those of a large one get turns of their own. */
export async function betweenSteps(text: string): Promise<void> {
  if (text.length > LARGE) await setImmediate()
}

const PIECE = 4_096

/** A text in pieces of some length that end where a line does: together they are the text. */
export function* piecesOf(text: string): Generator<string> {
  for (let from = 0; from < text.length;) {
    const end = text.indexOf('\n', from + PIECE)
    const to = end === -1 ? text.length : end + 1
    yield text.slice(from, to)
    from = to
  }
}
