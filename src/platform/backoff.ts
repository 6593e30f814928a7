export interface BackoffOptions {
  /** Milliseconds before the first retry. */
  firstMs: number
  /** Milliseconds that no delay exceeds. */
  maxMs: number
  /** By what each delay is longer than the one before; 2 when absent. */
  factor?: number
  /** The share of each delay, from 0 to 1, that is left to chance, so that many clients spread out; none when absent. */
  jitter?: number
  /** In [0, 1); decides about the jitter. */
  random?: () => number
}

/** Growing delays between the attempts at something that fails. */
export class Backoff {
  readonly #options: BackoffOptions
  #attempts = 0

  constructor(options: BackoffOptions) {
    this.#options = options
  }

  /** Milliseconds until the next attempt. */
  next(): number {
    const { firstMs, maxMs, factor = 2, jitter = 0, random = Math.random } = this.#options
    const delay = Math.min(maxMs, firstMs * factor ** this.#attempts)
    this.#attempts += 1
    return delay * (1 - jitter * (1 - random()))
  }

  /** An attempt succeeded: the next failure is again the first. */
  reset(): void {
    this.#attempts = 0
  }
}
