/** An end that nobody asked for leaves a word: an event loop that has run dry ends the process without one. */
export class ExitGuard {
  #expected = false

  constructor(tell: (line: string) => void) {
    process.on('exit', (code) => {
      if (this.#expected) return
      tell(
        `Ended with nothing left to wait for, and nobody had asked for it (exit code ${code}). ` +
          'This is a fault of the program: start it again, and report what it logged last.'
      )
      process.exitCode = 1
    })
  }

  /** From now on the process may end. */
  release(): void {
    this.#expected = true
  }
}
