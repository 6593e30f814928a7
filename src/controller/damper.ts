import type { Cancel, Clock } from '../platform/clock.ts'

export interface DamperOptions {
  /** Milliseconds in which pushes after the first are gathered; 0 passes each at once. */
  windowMs: number
  clock: Clock
  act: () => void
  /** The very first push waits for the end of its window too: what starts together is one change. */
  firstWaits?: boolean
}

/**
 * Acts at once on the first push after a quiet time, and once more at the end
 * of the window when pushes came within it. A steady stream of pushes thus acts
 * once a window: nothing is put off without limit.
 */
export class Damper {
  readonly #options: DamperOptions
  #window: Cancel | undefined
  #pending = false
  #waits: boolean

  constructor(options: DamperOptions) {
    this.#options = options
    this.#waits = options.firstWaits ?? false
  }

  push(): void {
    if (this.#window !== undefined) {
      this.#pending = true
      return
    }
    this.#openWindow()
    if (this.#waits && this.#window !== undefined) this.#pending = true
    else this.#options.act()
    this.#waits = false
  }

  stop(): void {
    this.#window?.()
    this.#window = undefined
    this.#pending = false
  }

  #openWindow(): void {
    const { windowMs, clock } = this.#options
    if (windowMs === 0) return
    this.#window = clock.after(windowMs, () => this.#closeWindow())
  }

  #closeWindow(): void {
    this.#window = undefined
    if (!this.#pending) return
    this.#pending = false
    this.push()
  }
}
