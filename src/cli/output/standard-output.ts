import type { Writable } from 'node:stream'

/** What an end of the standard output came to; undefined while all that was written went out. */
type OutputFailure = 'closed' | Error

/**
 * The standard output of a command. Whoever reads it may have seen enough (`| head`): that ends the command, and is no
 * failure. A full disk is one.
 */
export class StandardOutput {
  readonly #stream: Writable
  readonly #onFailure: () => void
  #failure: OutputFailure | undefined

  /** @param onFailure asks the command to end: nobody hears it any more */
  constructor(stream: Writable, onFailure: () => void) {
    this.#stream = stream
    this.#onFailure = onFailure
    stream.on('error', (error: NodeJS.ErrnoException) => {
      this.#failure ??= error.code === 'EPIPE' ? 'closed' : error
      this.#onFailure()
    })
  }

  write(text: string): void {
    if (this.#failure === undefined) this.#stream.write(text)
  }

  /** Resolves once all is written: with why it could not be, if there is a reason to complain. */
  async finished(): Promise<Error | undefined> {
    // Behind the last write: its error is told before this one's callback, or by it.
    if (this.#failure === undefined) await new Promise<void>((done) => this.#stream.write('', () => setImmediate(done)))
    return this.#failure instanceof Error ? this.#failure : undefined
  }
}
