/** Lines that wait to be sent. When it is full the oldest go, and are counted: the newest figures are worth the most. */
export class LineBuffer {
  readonly #max: number
  #lines: string[] = []
  #dropped = 0

  constructor(max: number) {
    this.#max = max
  }

  get size(): number {
    return this.#lines.length
  }

  /** How many lines were given up since the start. */
  get dropped(): number {
    return this.#dropped
  }

  push(lines: readonly string[]): void {
    this.#replace([...this.#lines, ...lines])
  }

  /** Puts back, in front, what could not be sent. */
  putBack(lines: readonly string[]): void {
    this.#replace([...lines, ...this.#lines])
  }

  take(count: number): string[] {
    return this.#lines.splice(0, count)
  }

  #replace(lines: string[]): void {
    const excess = Math.max(0, lines.length - this.#max)
    this.#dropped += excess
    this.#lines = excess === 0 ? lines : lines.slice(excess)
  }
}
