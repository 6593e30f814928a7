import type { CallArguments, Expression } from './syntax.ts'

export const noArguments: CallArguments = { positional: [], keywords: [], star: undefined, doubleStar: undefined }

/** Arguments in the making; keeps Python's order: positional, by name, `*`, `**`. */
export class ArgumentList implements CallArguments {
  readonly positional: Expression[] = []
  readonly keywords: (readonly [string, Expression])[] = []
  star: Expression | undefined
  doubleStar: Expression | undefined
  readonly #misplaced: () => Error

  constructor(misplaced: () => Error) {
    this.#misplaced = misplaced
  }

  addPositional(value: Expression): void {
    if (this.keywords.length > 0 || this.star !== undefined || this.doubleStar !== undefined) throw this.#misplaced()
    this.positional.push(value)
  }

  addKeyword(name: string, value: Expression): void {
    if (this.doubleStar !== undefined) throw this.#misplaced()
    this.keywords.push([name, value])
  }

  addStar(value: Expression): void {
    if (this.star !== undefined || this.doubleStar !== undefined) throw this.#misplaced()
    this.star = value
  }

  addDoubleStar(value: Expression): void {
    if (this.doubleStar !== undefined) throw this.#misplaced()
    this.doubleStar = value
  }
}
