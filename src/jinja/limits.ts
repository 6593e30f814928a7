import { TemplateFault } from './template-fault.ts'

/** Counts work that grows with the data, against a limit. */
export interface StepLimit {
  /** @throws TemplateFault LimitError past the limit */
  spend(steps?: number): void
}

/** Parts of one value that are looked at when nobody else counts. */
const MAX_PARTS = 200_000

/** Bounds the look at a single value: lists inside lists may have more parts than there are atoms. */
export class PartLimit implements StepLimit {
  #parts = 0

  spend(steps = 1): void {
    this.#parts += steps
    if (this.#parts > MAX_PARTS) {
      throw new TemplateFault('LimitError', `a value has more than ${MAX_PARTS.toLocaleString('en-US')} parts`)
    }
  }
}

/** Bounds of one rendering. */
export interface Limits {
  /** Characters of the output, and of any text computed on the way. */
  readonly outputLength: number
  /** Turns of loops, items that filters look at, calls, and pieces of text that are copied. */
  readonly steps: number
  /**
   * Items of lists that are copied as a whole, 8 bytes each while a copy is
   * kept. A list that grows by `+` over 10,000 hosts copies 50 million.
   */
  readonly copiedItems: number
  /** Macros (or recursive loops) inside one another. */
  readonly recursion: number
  /** Asked now and then: a step of large numbers takes a hundred times what others take. */
  readonly isOverdue: () => boolean
}

export const DEFAULT_LIMITS: Limits = {
  outputLength: 16 * 1024 * 1024,
  steps: 5_000_000,
  copiedItems: 64_000_000,
  recursion: 200,
  isOverdue: () => false
}

export function limitFault(what: string, limit: number): TemplateFault {
  return new TemplateFault('LimitError', `the template needs more than ${limit.toLocaleString('en-US')} ${what}`)
}
