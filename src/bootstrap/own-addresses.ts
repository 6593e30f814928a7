import { readFileSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import type { Config } from '../config.ts'
import { canonicalAddress } from '../haproxy/config/own-servers.ts'
import type { LivePods } from '../model/snapshot.ts'

/** What the machine has now: one may come or go while the program runs. */
export const interfaceAddresses = (): string[] =>
  Object.values(networkInterfaces()).flatMap((list) => (list ?? []).map(({ address }) => address))

/**
 * Whether connections to an address in canonical spelling come to this HAProxy, or to another proxy, which serves the
 * same configuration.
 */
export function ownAddresses(
  { app, ip, host, eip }: Pick<Config, 'app' | 'ip' | 'host' | 'eip'>,
  registry: LivePods | undefined
): (address: string) => boolean {
  let known: ReadonlySet<string | undefined> | undefined
  let elsewhere: ReadonlySet<string> | undefined
  return (address) => {
    if (address === '::1' || address === '127.0.0.1') return true
    // All of 127/8 is this machine: whoever listens at one of its addresses is before those who listen at all.
    if (address.startsWith('127.')) return !(elsewhere ??= loopbackListeners()).has(address)
    // Not before there is a server to ask about, as most texts have their binds, and servers elsewhere.
    known ??= new Set(
      [...interfaceAddresses(), ip, host, eip, ...(registry?.snapshot().apps.get(app)?.ips ?? [])].map(
        (own) => own && canonicalAddress(own)
      )
    )
    return known.has(address)
  }
}

/** Addresses of 127/8 at which somebody listens. */
function loopbackListeners(): Set<string> {
  try {
    // "  0: 0200007F:0050 00000000:0000 0A …": the address with its last byte first, and the state, of which 0A is LISTEN.
    const rows = readFileSync('/proc/net/tcp', 'latin1').matchAll(/^ *\d+: ([\dA-F]{6}7F):[\dA-F]{4} \S+ 0A /gm)
    return new Set(Array.from(rows, ([, hex = '']) => Buffer.from(hex, 'hex').reverse().join('.')))
  } catch {
    return new Set()
  }
}
