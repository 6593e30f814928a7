/** Whether a service is taken for well: as HAProxy's `rise` and `fall` count it. */
export class Health {
  readonly #rise: number
  readonly #fall: number
  #isUp = false
  /** Results in a row that speak against what is taken for true. */
  #against = 0

  /** It counts as not well until `rise` checks in a row have gone well, and as well until `fall` in a row have not. */
  constructor({ rise, fall }: { rise: number; fall: number }) {
    this.#rise = rise
    this.#fall = fall
  }

  get isUp(): boolean {
    return this.#isUp
  }

  /** @returns whether that changed what is taken for true */
  take(isWell: boolean): boolean {
    this.#against = isWell === this.#isUp ? 0 : this.#against + 1
    if (this.#against < (this.#isUp ? this.#fall : this.#rise)) return false
    this.#isUp = isWell
    this.#against = 0
    return true
  }
}
