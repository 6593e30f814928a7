import { KontrolError } from '../errors.ts'
import type { Clock } from '../platform/clock.ts'
import { isInZone } from './records/domain-name.ts'
import type { DnsProvider, Zone } from './records/record-set.ts'

/** Zones come and go by hand, and an account may hold thousands: pages of a hundred at five requests a second. */
const CACHE_MS = 30 * 60_000

/** Finds the hosted zone that a name belongs to, asking the provider once for all names. */
export class Zones {
  readonly #provider: DnsProvider
  readonly #clock: Clock
  #cache: { key: string; expiresAt: number; zones: readonly Zone[] } | undefined

  constructor(provider: DnsProvider, clock: Clock) {
    this.#provider = provider
    this.#clock = clock
  }

  /**
   * @param zoneId the only zone to look at, private or not; without it the public one with the longest matching name
   * @throws KontrolError KTL_DNS_NO_ZONE, KTL_DNS_ZONE_AMBIGUOUS, or what the provider throws
   */
  async find(name: string, zoneId: string | undefined, signal: AbortSignal): Promise<Zone> {
    const zones = await this.#list(zoneId, signal)
    const [best, second] = zones
      .filter((zone) => isInZone(name, zone.name) && (zoneId !== undefined || !zone.isPrivate))
      .sort((a, b) => b.name.length - a.name.length)
    if (best === undefined) {
      // It may be created at any moment, and whoever does so looks at us next.
      this.forget()
      throw zoneId === undefined ? noPublicZone(name, zones) : notInZone(name, zoneId, zones)
    }
    if (second?.name === best.name) throw ambiguous(name, best, second)
    return best
  }

  forget(): void {
    this.#cache = undefined
  }

  async #list(zoneId: string | undefined, signal: AbortSignal): Promise<readonly Zone[]> {
    const key = zoneId ?? ''
    if (this.#cache?.key !== key || this.#cache.expiresAt <= this.#clock.monotonic()) {
      const zones =
        zoneId === undefined ? await this.#provider.listZones(signal) : [await this.#provider.getZone(zoneId, signal)]
      this.#cache = { key, expiresAt: this.#clock.monotonic() + CACHE_MS, zones }
    }
    return this.#cache.zones
  }
}

function noPublicZone(name: string, zones: readonly Zone[]): KontrolError {
  const hidden = zones.find((zone) => zone.isPrivate && isInZone(name, zone.name))
  const privately = hidden === undefined ? '' : `, only the private zone ${hidden.name} (${hidden.id})`
  return new KontrolError('KTL_DNS_NO_ZONE', `no public hosted zone of this account holds the name${privately}`, {
    hint:
      hidden === undefined
        ? `Create a hosted zone for ${name.split('.').slice(-2).join('.')} in this account, or correct haproxy.unity3d.com/route53.`
        : `Set haproxy.unity3d.com/route53-zone: ${hidden.id} on the proxy pod to write to the private zone.`
  })
}

function notInZone(name: string, zoneId: string, [zone]: readonly Zone[]): KontrolError {
  return new KontrolError('KTL_DNS_NO_ZONE', `the name is not in hosted zone ${zoneId} (${zone?.name ?? 'unknown'})`, {
    hint: `Correct haproxy.unity3d.com/route53-zone, or take ${name} out of haproxy.unity3d.com/route53.`
  })
}

function ambiguous(name: string, a: Zone, b: Zone): KontrolError {
  return new KontrolError(
    'KTL_DNS_ZONE_AMBIGUOUS',
    `two public hosted zones are named ${a.name}: ${a.id} and ${b.id}`,
    {
      hint: `Set haproxy.unity3d.com/route53-zone to the id of the one that the registrar of ${name} delegates to.`
    }
  )
}
