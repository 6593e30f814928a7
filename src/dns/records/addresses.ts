import { isIP } from 'node:net'
import { KontrolError } from '../../errors.ts'
import { isPublishable, unmapped } from '../../model/host-address.ts'
import { canonicalIp } from '../../model/ip.ts'

/** The addresses of the proxies by record type, each sorted and without duplicates. */
export interface AddressesByType {
  readonly A: readonly string[]
  readonly AAAA: readonly string[]
}

/**
 * External addresses that the live proxies report in their payload: `{"eip": "1.2.3.4"}`,
 * or a list of several. What is no literal address is left out, and so is one that leads no client to a proxy, such as
 * loopback: it was said by a pod, and one wrong pod must not stop the others from being found.
 *
 * @param proxies the live pods of the proxies' own app, held ones among them
 */
export function externalAddresses(proxies: Iterable<{ readonly payload?: unknown }>): string[] {
  const addresses = [...proxies].flatMap(({ payload }) => {
    if (typeof payload !== 'object' || payload === null || !('eip' in payload)) return []
    return Array.isArray(payload.eip) ? (payload.eip as unknown[]) : [payload.eip]
  })
  return [...new Set(addresses.flatMap((address) => publishable(address) ?? []))].sort()
}

function publishable(address: unknown): string | undefined {
  const text = canonicalAddress(address)
  return text !== undefined && isPublishable(text) ? text : undefined
}

/**
 * The input of `WAIT expose-via-route53 '["1.2.3.4"]'`, as a master of the original sends it, with
 * the quotes or, when a shell was in between, without them.
 * A proxy without an external address may stand in it as null or an empty string.
 *
 * @throws KontrolError KTL_REQUEST_INVALID naming what is no address, or none that may be published
 */
export function parseExposeInput(input: string): string[] {
  const items = parseArray(input.trim().replace(/^'(.*)'$/s, '$1'))
  if (items === undefined) throw notAddresses(input)
  const present = items.filter((item) => item !== null && item !== '')
  const bad = present.filter((item) => publishable(item) === undefined)
  if (bad.length > 0) throw notAddresses(JSON.stringify(bad))
  return externalAddresses([{ payload: { eip: present } }])
}

function parseArray(input: string): unknown[] | undefined {
  try {
    const value: unknown = JSON.parse(input)
    return Array.isArray(value) ? value : undefined
  } catch {
    return undefined
  }
}

function notAddresses(what: string): KontrolError {
  return new KontrolError('KTL_REQUEST_INVALID', `Not a list of addresses: ${what.slice(0, 200)}`, {
    hint: `Send a JSON array of global or private addresses, such as '["192.0.2.1"]'.`
  })
}

/** Splits by record type; what may not be published is left out. */
export function groupAddresses(addresses: Iterable<string>): AddressesByType {
  const all = [...new Set([...addresses].flatMap((address) => publishable(address) ?? []))].sort()
  return { A: all.filter((address) => isIP(address) === 4), AAAA: all.filter((address) => isIP(address) === 6) }
}

/** As the record has it: one spelling for each address, without the blanks around it, and IPv4 never as IPv6. */
export function canonicalAddress(address: unknown): string | undefined {
  return typeof address === 'string' ? canonicalIp(unmapped(address.trim())) : undefined
}

/** What the records should hold: the external addresses of the live proxies, and the last ones when there is none. */
export class DesiredAddresses {
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
