/** Which tags are open, and which ones are expected: for the messages about tags in the wrong place. */
export class TagNesting {
  readonly #open: string[] = []
  readonly #expected: (readonly string[])[] = []

  /** A tag begins; `close` when its statement has been read. */
  open(tag: string): void {
    this.#open.push(tag)
  }

  close(): void {
    this.#open.pop()
  }

  /** One of these tags has to come; `met` when it does. */
  expect(tags: readonly string[]): void {
    this.#expected.push(tags)
  }

  met(): void {
    this.#expected.pop()
  }

  /** What Jinja2 says about a tag that may not stand here, or about the end of the template. */
  complaint(tag: string | undefined): string {
    const expected = this.#expected.at(-1)?.map((name) => `'${name}'`)
    const sentences = [tag === undefined ? 'Unexpected end of template.' : `Encountered unknown tag '${tag}'.`]
    if (expected !== undefined) {
      const isExpectedOutside = tag !== undefined && this.#expected.some((tags) => tags.includes(tag))
      sentences.push(
        isExpectedOutside
          ? `You probably made a nesting mistake. Jinja is expecting this tag, but currently looking for ${expected.join(' or ')}.`
          : `Jinja was looking for the following tags: ${expected.join(' or ')}.`
      )
    }
    const open = this.#open.at(-1)
    if (open !== undefined) sentences.push(`The innermost block that needs to be closed is '${open}'.`)
    return sentences.join(' ')
  }
}
