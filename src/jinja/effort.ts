import { TemplateFault } from './template-fault.ts'

/** Pays for work that grows with the data. */
export interface Effort {
  /** @throws TemplateFault LimitError when there is no more to spend */
  spend(steps?: number): void
}

/** Parts of one value that are looked at when nobody else counts. */
const MAX_PARTS = 200_000

/** Bounds the look at a single value: lists inside lists may have more parts than there are atoms. */
export class PartCounter implements Effort {
  #parts = 0

  spend(steps = 1): void {
    this.#parts += steps
    if (this.#parts > MAX_PARTS) {
      throw new TemplateFault('LimitError', `a value has more than ${MAX_PARTS.toLocaleString('en-US')} parts`)
    }
  }
}
