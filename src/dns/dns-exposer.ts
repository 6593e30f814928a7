import { KontrolError, messageOf } from '../errors.ts'
import { isWithin } from '../model/host-address.ts'
import type { Cancel, Clock } from '../platform/clock.ts'
import type { Logger } from '../platform/logger.ts'
import { type AddressesByType, canonicalAddress, DesiredAddresses } from './records/addresses.ts'
import { ChangeWatch } from './change-watch.ts'
import { withDeadline } from './deadline.ts'
import { type DnsEvent, DnsEvents, type DnsRecordStatus, type DnsStatus } from './dns-status.ts'
import type { DnsSettings } from './dns-settings.ts'
import { ReconcileLoop } from './reconcile-loop.ts'
import { reconcile, type DnsConnection, type RecordOutcome } from './reconcile.ts'
import { RecordTable } from './records/record-table.ts'
import type { DnsProvider } from './records/record-set.ts'
import { Surroundings } from './surroundings.ts'
import { Zones } from './zones.ts'

export interface DnsExposerOptions {
  /** Undefined: the annotation is not there, and nothing happens until configure() brings one. */
  settings: DnsSettings | undefined
  /** Called at the first write or look, so that nothing of a cloud is loaded before. */
  providerFactory: () => Promise<DnsProvider>
  clock: Clock
  logger: Logger
  /** Look and tell, but do not write. */
  dryRun: boolean
  isLeader: () => boolean
  /** Milliseconds until all proxies that live are known; until then nothing is taken out that others put in. */
  completeInMs?: () => number
  /** External address of this proxy. */
  ownAddress?: string | undefined
  /** Milliseconds between two looks when nothing changes, 5 minutes unless told. */
  driftIntervalMs?: number
  /** From 0 to 1; spreads retries, so that many processes do not come back at once. */
  random?: () => number
}

export interface ExposeResult {
  outcome: 'off' | 'follower' | 'kept' | 'unchanged' | 'planned' | 'submitted'
  records: readonly DnsRecordStatus[]
}

const DRIFT_INTERVAL_MS = 5 * 60_000
/** What the step waits for at most; the work goes on in the background. */
const EXPOSE_TIMEOUT_MS = 120_000

const NO_NAMES = { names: [], ttl: 0 }
const NO_ADDRESSES: AddressesByType = { A: [], AAAA: [] }

/** How the last reconciliation ended: `held` back by a dry run, `skipped` when somebody else is the leader. */
type SyncState = 'none' | 'in-sync' | 'failed' | 'held' | 'skipped'

/**
 * Keeps the records of the annotation pointing at the proxies: after a change
 * at once, after a passing failure with growing pauses, otherwise every few
 * minutes to find what somebody else changed.
 */
export class DnsExposer {
  readonly #options: DnsExposerOptions
  readonly #loop: ReconcileLoop
  readonly #watch: ChangeWatch
  readonly #table = new RecordTable()
  readonly #desired = new DesiredAddresses()
  readonly #connection: LazyConnection
  readonly #events: DnsEvents
  readonly #stopping = new AbortController()
  #settings: DnsSettings | undefined
  /** As the proxies say them. */
  #offered: readonly string[] | undefined
  #refused: readonly string[] = []
  #state: SyncState = 'none'
  #again: Cancel = () => {}

  constructor(options: DnsExposerOptions) {
    const { settings, clock, logger, driftIntervalMs: intervalMs = DRIFT_INTERVAL_MS, random = Math.random } = options
    this.#options = options
    this.#settings = settings
    this.#events = new DnsEvents(logger)
    this.#connection = new LazyConnection(options)
    this.#loop = new ReconcileLoop({ clock, random, intervalMs, reconcile: () => this.#reconcile() })
    this.#watch = new ChangeWatch({
      clock,
      ask: async (id) => (await this.#connection.get()).provider.changeStatus(id, this.#stopping.signal),
      onInSync: (id) => this.#events.publish(this.#table.settle(id)),
      onGivenUp: (changeId, err) => logger.warn({ changeId, err }, 'dns change is no longer followed')
    })
  }

  /** From now on follows what is wanted by itself: for a master, which knows the proxies. */
  start(): void {
    this.#loop.start()
  }

  /** Gives up what is under way; the records stay as they are. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    this.#again()
    this.#watch.stop()
    await this.#loop.stop()
    await this.#connection.close()
  }

  /**
   * The external addresses of all live proxies, held ones among them. Costs
   * nothing when they are those of the last time. An empty list changes nothing.
   */
  want(addresses: readonly string[]): void {
    const changed = this.#remember(addresses)
    if (changed || (this.#state === 'skipped' && this.#options.isLeader())) this.#loop.nudge()
  }

  /** The annotation was changed, or is gone. Records of names that are no longer in it stay as they are. */
  configure(settings: DnsSettings | undefined): void {
    if (JSON.stringify(settings) === JSON.stringify(this.#settings)) return
    this.#settings = settings
    this.#state = 'none'
    this.#table.clear()
    if (this.#offered !== undefined) this.#remember(this.#offered)
    this.#loop.resetRetries()
    this.#loop.nudge()
  }

  /**
   * Brings the records in sync once; resolves when Route53 has accepted the
   * change. No call at all when they are known to be in sync with these addresses.
   * Not started, as in a slave that some other master commands, it looks each
   * time: another pod may have been the one to write since.
   *
   * @param anew looks in any case: an operator asks, and somebody may have changed the records by hand
   * @throws KontrolError KTL_DNS_*, naming the domain; what can pass by itself is tried again in the background
   */
  async expose(addresses: readonly string[], signal: AbortSignal, { anew = false } = {}): Promise<ExposeResult> {
    const changed = this.#remember(addresses)
    const idle = this.#idleOutcome()
    if (idle !== undefined) return this.#result(idle)
    if (!changed && !anew && this.#isInSync()) return this.#result('unchanged')

    let submitted = false
    const unsubscribe = this.subscribe(({ kind }) => (submitted ||= kind === 'changed'))
    try {
      await withDeadline(signal, EXPOSE_TIMEOUT_MS, () => this.#loop.reconcile()).catch((cause: unknown) => {
        throw unfinished(this.#settings?.names ?? [], cause)
      })
    } finally {
      unsubscribe()
    }
    const failure = this.#table.failure()
    if (failure !== undefined) throw failure
    return this.#result(submitted ? 'submitted' : outcomeOf(this.#state))
  }

  status(): DnsStatus {
    const { isLeader, dryRun } = this.#options
    return {
      enabled: this.#settings !== undefined,
      leader: isLeader(),
      dryRun,
      ...this.#note(),
      refused: this.#refused,
      records: this.#records()
    }
  }

  /** @returns what takes the listener off again */
  subscribe(listener: (event: DnsEvent) => void): () => void {
    return this.#events.subscribe(listener)
  }

  #isInSync(): boolean {
    return this.#loop.started && !this.#loop.busy && this.#state === 'in-sync'
  }

  #idleOutcome(): ExposeResult['outcome'] | undefined {
    if (this.#settings === undefined) return 'off'
    if (this.#desired.nobodyLeft) return 'kept'
    return this.#options.isLeader() ? undefined : 'follower'
  }

  #result(outcome: ExposeResult['outcome']): ExposeResult {
    return { outcome, records: this.#records() }
  }

  #records(): DnsRecordStatus[] {
    return this.#table.list(this.#settings ?? NO_NAMES, this.#desired.current ?? NO_ADDRESSES)
  }

  #note(): { note?: string } {
    const notes = [
      ...(this.#desired.nobodyLeft ? ['no live proxy has an external address: the records are left as they are'] : []),
      ...(this.#refused.length > 0 ? [`left out by route53-networks: ${this.#refused.join(', ')}`] : [])
    ]
    return notes.length === 0 ? {} : { note: notes.join('; ') }
  }

  /** @returns whether something else is wanted than before */
  #remember(addresses: readonly string[]): boolean {
    this.#offered = addresses
    const news = this.#desired.update(this.#allowed(addresses))
    if (news === 'nobody' && this.#settings !== undefined) this.#events.publish([{ kind: 'kept' }])
    if (news === 'changed') this.#loop.resetRetries()
    return news === 'changed'
  }

  /** Those that the operator lets into the records; others are told once. */
  #allowed(addresses: readonly string[]): readonly string[] {
    const networks = this.#settings?.networks
    const refused = networks === undefined ? [] : addresses.filter((address) => !isWithin(address, networks))
    const isNew = refused.length > 0 && refused.join() !== this.#refused.join()
    this.#refused = refused
    if (isNew && networks !== undefined) this.#events.publish([{ kind: 'refused', addresses: refused, networks }])
    return refused.length === 0 ? addresses : addresses.filter((address) => !refused.includes(address))
  }

  /** Whether proxies may live that are not known yet; once they are, it looks again. */
  #isEarly(): boolean {
    const { clock, completeInMs } = this.#options
    const afterMs = completeInMs?.() ?? 0
    if (afterMs <= 0) return false
    this.#again()
    this.#again = clock.after(afterMs, () => this.#loop.nudge())
    return true
  }

  async #reconcile(): Promise<boolean> {
    const { clock, dryRun, isLeader, ownAddress } = this.#options
    const settings = this.#settings
    const wanted = this.#desired.current
    if (settings === undefined || wanted === undefined) return false
    if (!isLeader()) {
      this.#state = 'skipped'
      return false
    }
    const outcomes = await reconcile({
      addOnly: this.#isEarly(),
      connect: () => this.#connection.get(),
      settings,
      wanted,
      isOurs: (address) => this.#desired.isOurs(address),
      ownAddress: canonicalAddress(ownAddress),
      mayWrite: () => !dryRun && isLeader(),
      signal: this.#stopping.signal
    })
    // What stopping cut short is no failure.
    if (this.#stopping.signal.aborted) return false
    this.#state = stateOf(outcomes, dryRun)
    this.#events.publish(this.#table.apply(outcomes, settings.ttl, clock.now()))
    for (const { change } of outcomes) if (change?.changeStatus === 'PENDING') this.#watch.watch(change.changeId)
    return outcomes.some(({ error }) => error?.retryable)
  }
}

function unfinished(names: readonly string[], cause: unknown): KontrolError {
  return new KontrolError('KTL_DNS_UNAVAILABLE', `${names.join(', ')}: not yet in line: ${messageOf(cause)}`, {
    cause,
    hint: 'Look at "kontrol dns" later: the change goes on in the background.'
  })
}

function stateOf(outcomes: readonly RecordOutcome[], dryRun: boolean): SyncState {
  if (outcomes.some(({ outcome }) => outcome === 'failed')) return 'failed'
  if (!outcomes.some(({ outcome }) => outcome === 'planned')) return 'in-sync'
  // Held back although this is no dry run: the leadership went elsewhere on the way.
  return dryRun ? 'held' : 'skipped'
}

function outcomeOf(state: SyncState): ExposeResult['outcome'] {
  if (state === 'held') return 'planned'
  return state === 'skipped' ? 'follower' : 'unchanged'
}

/** The provider, made when it is needed first; if that fails, the next one who needs it tries again. */
class LazyConnection {
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
      (provider) => ({
        provider,
        zones: new Zones(provider, this.#clock),
        surroundings: new Surroundings(provider, this.#clock)
      }),
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
