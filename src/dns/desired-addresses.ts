import { groupAddresses, type AddressesByType } from './addresses.ts'

/** What the records should hold: the external addresses of the live proxies, and the last ones when there is none. */
export class WantedAddresses {
  #current: AddressesByType | undefined
  #nobodyLeft = false
  readonly #ever = new Set<string>()

  /** Undefined before the first proxy has shown up. */
  get current(): AddressesByType | undefined {
    return this.#current
  }

  /** Whether no live proxy has an address. */
  get nobodyLeft(): boolean {
    return this.#nobodyLeft
  }

  /** Whether we wanted it at any time: only these do we ever take out of a record that becomes empty. */
  isOurs(address: string): boolean {
    return this.#ever.has(address)
  }

  /** @returns what is new: something else is wanted, or the last proxy with an address went and nothing changes */
  update(addresses: readonly string[]): 'nothing' | 'changed' | 'nobody' {
    const wanted = groupAddresses(addresses)
    const nobody = wanted.A.length + wanted.AAAA.length === 0
    // Before the first proxy has shown up there is nothing to keep, and nothing to tell.
    const lostAll = nobody && !this.#nobodyLeft && this.#current !== undefined
    this.#nobodyLeft = nobody
    if (lostAll) return 'nobody'
    if (nobody || JSON.stringify(wanted) === JSON.stringify(this.#current)) return 'nothing'
    for (const address of [...wanted.A, ...wanted.AAAA]) this.#ever.add(address)
    this.#current = wanted
    return 'changed'
  }
}
