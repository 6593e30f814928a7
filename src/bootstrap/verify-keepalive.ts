import { interfaceAddresses } from './own-addresses.ts'
import type { Caller } from '../access/caller.ts'
import { KontrolError } from '../errors.ts'
import type { Config } from '../config.ts'
import { isLoopback } from '../model/host-address.ts'
import { isSameIp } from '../model/ip.ts'
import type { Keepalive } from '../model/keepalive.ts'
import { keyOf } from '../slave/identity.ts'

/**
 * A pod elsewhere has no loopback address here: HAProxy would lead clients to what only this machine may reach.
 * KONTROL_VERIFY: a pod speaks for itself alone, so nobody takes the key of another.
 *
 * @throws KontrolError KTL_KEEPALIVE_INVALID, KTL_FORBIDDEN
 */
export function verifyKeepalive(
  { key, ip }: Pick<Keepalive, 'key' | 'ip'>,
  caller: Caller,
  { verify, ip: ownIp }: Pick<Config, 'verify' | 'ip'>
): void {
  if (isLoopback(ip) && !speaksForThisHost(caller)) {
    throw new KontrolError('KTL_FORBIDDEN', `A keepalive of ${ip} came from ${caller.address ?? 'elsewhere'}`, {
      hint: 'Set KONTROL_IP of the pod to an address that the proxy reaches: loopback is that of the proxy itself.'
    })
  }
  if (verify === 'off') return
  if (key !== keyOf(ip)) {
    throw new KontrolError('KTL_KEEPALIVE_INVALID', `Invalid keepalive: key "${key}" is not base62 of ${ip}`, {
      hint: `Send the key "${keyOf(ip)}", or unset KONTROL_VERIFY at the master.`
    })
  }
  if (verify === 'key' || comesFrom(caller, ip, ownIp)) return
  throw new KontrolError('KTL_FORBIDDEN', `A keepalive of ${ip} came from ${caller.address ?? 'elsewhere'}`, {
    hint: 'Send it from the pod itself, without a proxy or NAT in between, or set KONTROL_VERIFY=key at the master.'
  })
}

function speaksForThisHost({ from, address, grants }: Caller): boolean {
  return from === 'unix' || grants.operate || (address !== undefined && isLoopback(address))
}

/** From loopback, whoever is on this host speaks for it. */
function comesFrom({ from, address }: Caller, ip: string, ownIp: string): boolean {
  if (address === undefined) return from === 'unix'
  if (isSameIp(address, ip)) return true
  return from === 'loopback' && (isSameIp(ip, ownIp) || interfaceAddresses().some((own) => isSameIp(own, ip)))
}
