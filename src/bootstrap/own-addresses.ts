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
  return (address) => {
    if (address === '::1' || address.startsWith('127.')) return true
    // Not before there is a server to ask about, as most texts have their binds, and servers elsewhere.
    known ??= new Set(
      [...interfaceAddresses(), ip, host, eip, ...(registry?.snapshot().apps.get(app)?.ips ?? [])].map(
        (own) => own && canonicalAddress(own)
      )
    )
    return known.has(address)
  }
}
