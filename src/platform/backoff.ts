export interface BackoffOptions {
  /** Milliseconds before the first retry. */
  firstMs: number
  /** Milliseconds that no delay exceeds. */
  maxMs: number
}

/** Delays that double from `firstMs` to `maxMs`, each shortened at random by up to a quarter so that many clients spread out. */
export class Backoff {
  readonly #options: BackoffOptions
  #attempts = 0

  constructor(options: BackoffOptions) {
    this.#options = options
  }

  next(): number {
    const { firstMs, maxMs } = this.#options
    const delay = Math.min(maxMs, firstMs * 2 ** this.#attempts)
    this.#attempts += 1
    return delay * (1 - Math.random() / 4)
  }

  reset(): void {
    this.#attempts = 0
  }
}
