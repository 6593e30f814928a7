import { TemplateFault } from '../template-fault.ts'

/** A value that is missing: prints as nothing, is false and empty; using it any further raises. */
export class Undefined {
  readonly #reason: () => string

  constructor(reason: () => string) {
    this.#reason = reason
  }

  static variable(name: string): Undefined {
    return new Undefined(() => `'${name}' is undefined`)
  }

  /** @param owner type of the object as Python names it */
  static attribute(owner: string, name: string): Undefined {
    return new Undefined(() => `${owner} has no attribute ${name}`)
  }

  fault(): TemplateFault {
    return new TemplateFault('UndefinedError', this.#reason())
  }
}
