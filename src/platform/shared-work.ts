/**
 * Work that many ask for at the same time is done once for all of them. Who asks while it is being done waits for the
 * next time, so that nobody gets an answer that is older than his question.
 */
export class SharedWork<T> {
  readonly #work: () => Promise<T>
  #running: Promise<T> | undefined
  #next: Promise<T> | undefined

  constructor(work: () => Promise<T>) {
    this.#work = work
  }

  /** The result is for all who asked: not to be changed. */
  ask(): Promise<T> {
    if (this.#next !== undefined) return this.#next
    if (this.#running === undefined) return this.#begin()
    const begin = (): Promise<T> => this.#begin()
    return (this.#next = this.#running.then(begin, begin))
  }

  #begin(): Promise<T> {
    this.#next = undefined
    return (this.#running = this.#work().finally(() => {
      this.#running = undefined
    }))
  }
}
