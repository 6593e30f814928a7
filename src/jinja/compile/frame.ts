import type { Runtime } from '../runtime.ts'
import type { Value } from '../values/value.ts'

/** The variables of one run of a template, a macro, a block or a recursive loop. */
export class Frame {
  /** Undefined: declared, but not set yet. */
  readonly slots: (Value | undefined)[]
  /** The frame around the place where the macro (or loop) stands in the text. */
  readonly parent: Frame | undefined
  readonly runtime: Runtime

  constructor(size: number, runtime: Runtime, parent?: Frame) {
    this.slots = new Array<Value | undefined>(size).fill(undefined)
    this.runtime = runtime
    this.parent = parent
  }
}

/** Text in the making. */
export class Output {
  text = ''
  readonly #runtime: Runtime

  constructor(runtime: Runtime) {
    this.#runtime = runtime
  }

  write(text: string): void {
    this.text += text
    this.#runtime.allowOutput(this.text.length)
  }
}

/** A compiled expression. */
export type Evaluate = (frame: Frame) => Value
/** A compiled statement. */
export type Execute = (frame: Frame, output: Output) => void

/** What a compiled statement wrote. */
export function capture(execute: Execute, frame: Frame): string {
  const output = new Output(frame.runtime)
  execute(frame, output)
  return output.text
}
