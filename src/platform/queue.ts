/** Runs tasks one after another, each only when the one before has ended, however it ended. */
export class TaskQueue {
  #last: Promise<unknown> = Promise.resolve()

  enqueue<T>(task: () => Promise<T>): Promise<T> {
    const result = this.#last.then(task)
    this.#last = result.catch(() => {})
    return result
  }
}
