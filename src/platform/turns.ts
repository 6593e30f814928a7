/** Milliseconds of long work in one turn of the event loop: keepalives are answered between two of them. */
const TURN_MS = 5
/** Between two looks at the clock. */
const ITEMS = 8

/** Who waits for a turn, the longest first. One has it at a time: several kinds of long work take no longer together than one. */
const waiting: (() => void)[] = []
/** When the turn ends that somebody has now, as `performance.now()` counts; undefined when nobody has one. */
let turnEnds: number | undefined

/** Long work goes on in another turn of the event loop, behind all that is there to be answered and all other long work. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    waiting.push(resolve)
    if (waiting.length === 1) setImmediate(giveTurn)
  })
}

function giveTurn(): void {
  turnEnds = undefined
  beginTurn()
  waiting.shift()?.()
  if (waiting.length > 0) setImmediate(giveTurn)
}

/** Work that begins within a turn has what is left of it. */
function beginTurn(): number {
  if (turnEnds === undefined) {
    turnEnds = performance.now() + TURN_MS
    setImmediate(() => (turnEnds = undefined))
  }
  return turnEnds
}

/** Long work in turns of the event loop; a short one is done in this one. */
export async function eachInTurns<T>(items: Iterable<T>, take: (item: T) => void): Promise<void> {
  let until = beginTurn()
  let count = 0
  for (const item of items) {
    take(item)
    if (++count % ITEMS !== 0 || performance.now() < until) continue
    await nextTurn()
    until = beginTurn()
  }
}

/** Characters of a text for which some steps of its handling together take as long. */
const LARGE = 128 * 1024

/** Between two steps that look at a whole text: those of a large one get turns of their own. */
export async function betweenSteps(text: string): Promise<void> {
  if (text.length > LARGE) await nextTurn()
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
