const EXIT_CODES = { SIGINT: 130, SIGTERM: 143 }

/** Why a signal is aborted that the user gave: what was asked for is not done. */
export class Interrupted extends Error {
  readonly exitCode: number

  constructor(exitCode: number) {
    super('Interrupted')
    this.exitCode = exitCode
  }
}

/** The end of a process that may be asked for it by a signal. */
export class EndSignal {
  readonly #controller = new AbortController()
  #asked: keyof typeof EXIT_CODES | undefined

  /** @param onForced a second request ends the process at once, for the first may hang: told before it does */
  constructor(onForced: () => void) {
    const ask = (name: keyof typeof EXIT_CODES): void => {
      this.#asked = name
      if (this.signal.aborted) {
        onForced()
        this.exit(EXIT_CODES[name])
      }
      this.#controller.abort(new Interrupted(EXIT_CODES[name]))
    }
    process.on('SIGINT', ask)
    process.on('SIGTERM', ask)
  }

  /** Aborted when the process is asked to end. */
  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /**
   * Ends the process, whatever is left open. One that exits waits for its threads, and a look-up of a name holds its
   * thread until the resolver gives up: who was told to end, and waits for nothing else, ends by that signal then.
   */
  exit(code = process.exitCode): never {
    if (this.#asked !== undefined && process.getActiveResourcesInfo().includes('GetAddrInfoReqWrap')) {
      process.removeAllListeners(this.#asked)
      process.kill(process.pid, this.#asked)
    }
    process.exit(code)
  }
}
