import { KontrolError, messageOf } from '../errors.ts'
import type { Clock } from '../platform/clock.ts'
import type { DnsConnection } from './reconcile.ts'
import type { DnsProvider } from './record-set.ts'
import { Zones } from './zones.ts'

/** The provider, made when it is needed first; if that fails, the next one who needs it tries again. */
export class LazyConnection {
  readonly #providerFactory: () => Promise<DnsProvider>
  readonly #clock: Clock
  #connection: Promise<DnsConnection> | undefined

  constructor({ providerFactory, clock }: { providerFactory: () => Promise<DnsProvider>; clock: Clock }) {
    this.#providerFactory = providerFactory
    this.#clock = clock
  }

  /** @throws KontrolError KTL_DNS_UNAVAILABLE */
  get(): Promise<DnsConnection> {
    this.#connection ??= this.#providerFactory().then(
      (provider) => ({ provider, zones: new Zones(provider, this.#clock) }),
      (cause: unknown) => {
        this.#connection = undefined
        throw new KontrolError('KTL_DNS_UNAVAILABLE', `cannot set up the DNS provider: ${messageOf(cause)}`, {
          cause,
          hint: 'Check the AWS_* variables, and that the installation is complete.'
        })
      }
    )
    return this.#connection
  }

  async close(): Promise<void> {
    const connection = await this.#connection?.catch(() => undefined)
    connection?.provider.close()
  }
}
