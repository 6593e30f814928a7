/** Which lines of a text stand within an `.if`: only HAProxy can tell whether they are meant. */
export class Conditions {
  #depth = 0
  #section: 'certain' | 'within' | 'over' = 'certain'

  /** The next line stands within one. */
  get open(): boolean {
    return this.#depth > 0
  }

  /** The section may not be there, and what comes next would be of the section before it. */
  get over(): boolean {
    return this.#section === 'over'
  }

  /** @param keyword `.if`, `.elif`, `.else`, `.endif` and the like */
  takeDirective(keyword: string): void {
    if (keyword === '.if') this.#depth++
    if (keyword === '.endif') this.#depth--
    if (this.#section === 'within') this.#section = 'over'
  }

  beginSection(): void {
    this.#section = this.open ? 'within' : 'certain'
  }
}
