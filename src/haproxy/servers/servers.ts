import { findKontrolError, KontrolError } from '../../errors.ts'
import type { Cancel, Clock } from '../../platform/clock.ts'
import type { Logger } from '../../platform/logger.ts'
import { applyOperation, type ChangeJournal } from './change-journal.ts'
import type { ConfigModel } from '../config/model.ts'
import type { HaproxyFeatures } from '../process/version.ts'
import { planChange, type Plan, type PoolChange } from './plan.ts'
import type { RuntimeApi } from '../socket/runtime-api.ts'
import type { TaskQueue } from '../../platform/queue.ts'
import { deletion, operationsOf, toMaintenance, type Operation, type RuntimeCommand } from './commands.ts'
import { withServers } from '../socket/each-server.ts'
import type { ProxyStatus } from '../socket/status.ts'
import type { ServerState } from '../socket/show-servers-state.ts'
import { isCutWhenDown, ServerTable, type Slot } from './server-table.ts'
import { driftOf } from './drift.ts'
import type { Known, LoadedWorker } from '../known.ts'

export interface ServersOptions {
  known: Known
  runtime: RuntimeApi
  journal: ChangeJournal
  clock: Clock
  logger: Logger
  /** The driver's: nothing is said to a worker while a reload is under way. */
  queue: TaskQueue
  /** Milliseconds a removed server may take for what is under way on it. */
  drainMs?: number
}

/** What an operator asks of one server. */
export interface ServerStateChange {
  backend: string
  server: string
  /** As HAProxy's own `set server … state` takes it. */
  state: 'ready' | 'drain' | 'maint'
}

/** Between two looks at servers that drain. */
const POLL_MS = 100
/** Until the next look, when HAProxy did not answer. */
const RETRY_MS = 2_000
/** A look at a worker that hangs must not hold up for long what waits behind it. */
const LOOK_MS = 2_000

/** The servers of the worker that serves, and the only way they are changed without a reload. */
export class Servers {
  readonly #options: Required<ServersOptions>
  #features: Pick<HaproxyFeatures, 'deletesServers'> = { deletesServers: false }
  /** Backends that were changed and not yet read back. */
  readonly #unread = new Set<string>()
  /** Servers that were made to serve and not yet read back. */
  readonly #fresh = new Set<Slot>()
  /** Removed ones, and what HAProxy calls them in numbers. */
  readonly #ids = new WeakMap<Slot, { backendId: number; serverId: number }>()
  /** What the worker had before something was found to be other than expected; maintenance by hand is still read by it. */
  #suspect: LoadedWorker | undefined
  #cancel: Cancel | undefined
  #onDrift: (error: KontrolError) => void = () => {}

  constructor(options: ServersOptions) {
    this.#options = { drainMs: 30_000, ...options }
  }

  /** @param listener told when HAProxy's state differs from ours; it is unknown until the next reload */
  onDrift(listener: (error: KontrolError) => void): void {
    this.#onDrift = listener
  }

  use(features: HaproxyFeatures): void {
    this.#features = features
  }

  /** A worker has begun with this configuration. */
  async begin(worker: number, model: ConfigModel): Promise<void> {
    const table = await ServerTable.of(model)
    this.forget()
    this.#options.journal.reset(worker)
    this.#options.known.loaded = { worker, model, table }
  }

  /**
   * Takes up a worker that an earlier run of this program changed.
   *
   * @param model what it loaded
   * @returns how often it was changed since; undefined when that is not known
   */
  async takeOver(worker: number, model: ConfigModel): Promise<number | undefined> {
    this.forget()
    const table = await ServerTable.of(model)
    const changes = await this.#options.journal.replay(worker, table)
    if (changes === undefined) return undefined
    this.#options.known.loaded = { worker, model: { ...model, pools: table.pools() }, table }
    // A disk that took no note of a change leaves a journal that does not tell.
    this.readBack()
    return changes
  }

  /** Looks soon whether HAProxy has the servers that it is thought to have. */
  readBack(): void {
    const { loaded } = this.#options.known
    if (loaded !== undefined) this.#readBack([...loaded.table.pools().values()].map(({ backend }) => backend))
  }

  forget(): void {
    this.#cancel?.()
    this.#cancel = undefined
    this.#suspect = undefined
    this.#options.known.loaded = undefined
    this.#unread.clear()
    this.#fresh.clear()
  }

  /** Servers in use, and those left over in the worker. */
  count(): { live: number; spare: number } {
    return this.#options.known.loaded?.table.count() ?? { live: 0, spare: 0 }
  }

  /** What HAProxy shows, with a mark at servers whose pods have left. */
  async marked(proxies: readonly ProxyStatus[]): Promise<ProxyStatus[]> {
    const table = this.#options.known.loaded?.table
    if (table === undefined) return [...proxies]
    return await withServers(proxies, (server, proxy) => {
      const state = table.find(proxy.name, server.name)?.state
      return state === undefined || state === 'live' ? server : { ...server, left: true as const }
    })
  }

  /** How the servers in use are; none when that is not known. Removed ones are left out: they would come back as removed. */
  async states(): Promise<ServerState[]> {
    const loaded = this.#options.known.loaded ?? this.#suspect
    if (loaded === undefined) return []
    const states = await this.#options.runtime.serversState(loaded.worker, [], LOOK_MS)
    return states.filter(({ backend, name }) => loaded.table.find(backend, name)?.state === 'live')
  }

  /**
   * Takes a server out by hand, or back in. It stays so until somebody undoes it, also over a reload.
   *
   * @throws KontrolError KTL_SERVER_NOT_FOUND, also of one that its pod has left
   */
  async setState({ backend, server, state }: ServerStateChange): Promise<void> {
    const { runtime, known } = this.#options
    const worker = await runtime.workerPid()
    const states = await runtime.serversState(worker)
    const found = states.some((row) => row.backend === backend && row.name === server)
    const slot = known.loaded?.table.find(backend, server)
    if (!found || (slot !== undefined && slot.state !== 'live')) {
      throw new KontrolError('KTL_SERVER_NOT_FOUND', `HAProxy has no server "${backend}/${server}" in use`, {
        hint: '"kontrol servers" lists them with their backends, as GET /api/v1/haproxy does.'
      })
    }
    // Out by hand right after it came, it is as somebody wants it: no drift.
    if (slot !== undefined) this.#fresh.delete(slot)
    await runtime.execute(worker, [{ text: `set server ${backend}/${server} state ${state}`, answer: /^$/ }])
  }

  plan(wanted: ConfigModel): Plan {
    return planChange(this.#options.known.loaded, wanted)
  }

  /**
   * Carries out a plan. When it returns no new request goes to a removed
   * server; what is under way there ends in the background.
   *
   * @returns how many servers were added or removed
   * @throws KontrolError KTL_HAPROXY_SURPRISE, KTL_HAPROXY_UNREACHABLE; what HAProxy has is not known then
   */
  async apply(changes: readonly PoolChange[], wanted: ConfigModel): Promise<number> {
    const loaded = this.#options.known.loaded
    if (loaded === undefined) throw new Error('There is no plan without a worker')
    const operations = operationsOf(changes, loaded.table, wanted)
    if (operations.length > 0) await this.#carryOut(operations, loaded)
    loaded.model = wanted
    return operations.length
  }

  async #carryOut(operations: readonly Operation[], loaded: LoadedWorker): Promise<void> {
    const { runtime, journal } = this.#options
    // Before anything is said to HAProxy, so that a change that was broken off is known as one.
    journal.begin(operations, loaded.table)
    try {
      for (const commands of steps(operations)) await runtime.execute(loaded.worker, commands)
      journal.done()
    } catch (error) {
      for (const { kind, backend, name } of operations) {
        const slot = kind === 'drain' ? loaded.table.find(backend, name) : undefined
        if (slot !== undefined) loaded.table.drain(slot)
      }
      this.#doubt(loaded)
      throw error
    }
    for (const operation of operations) {
      applyOperation(operation, loaded.table)
      const slot = loaded.table.find(operation.backend, operation.name)
      if (slot?.state === 'live') this.#fresh.add(slot)
      else if (slot !== undefined) this.#fresh.delete(slot)
    }
    this.#readBack(operations.map(({ backend }) => backend))
  }

  #readBack(backends: readonly string[]): void {
    for (const backend of backends) this.#unread.add(backend)
    this.#later()
  }

  #later(afterMs = POLL_MS): void {
    if (this.#cancel !== undefined) return
    const { clock, queue, logger } = this.#options
    this.#cancel = clock.after(afterMs, () => {
      const loaded = this.#options.known.loaded
      const look = queue.enqueue(async () => {
        this.#cancel = undefined
        if (loaded !== undefined && loaded === this.#options.known.loaded) await this.#poll(loaded)
      })
      look.catch((error: unknown) => {
        const known = findKontrolError(error, 'KTL_HAPROXY_SURPRISE')
        if (known !== undefined) return this.#drifted(known, loaded)
        logger.warn({ err: error }, 'haproxy servers not read back')
        this.#later(RETRY_MS)
      })
    })
  }

  #drifted(error: KontrolError, loaded: LoadedWorker | undefined): void {
    this.#doubt(loaded)
    this.#onDrift(error)
  }

  #doubt(loaded: LoadedWorker | undefined): void {
    this.forget()
    this.#suspect = loaded
  }

  async #poll(loaded: LoadedWorker): Promise<void> {
    // Another hand has had HAProxy loaded again: that is no drift of its servers, and is taken up by who looks at the process.
    if ((await this.#options.runtime.workerPid(LOOK_MS)) !== loaded.worker) return this.#later(RETRY_MS)
    await this.#compare(loaded)
    await this.#retire(loaded)
    if (this.#features.deletesServers) await this.#deleteSpares(loaded)
    if (this.#unread.size > 0 || [...loaded.table.draining()].length > 0) this.#later()
  }

  async #compare({ worker, table, model }: LoadedWorker): Promise<void> {
    const backends = [...this.#unread].filter((name) => !model.blockers.has(name))
    const states = backends.length === 0 ? [] : await this.#options.runtime.serversState(worker, backends)
    this.#unread.clear()
    if (backends.length === 0) return
    const difference = await driftOf(states, backends, table, this.#fresh)
    if (difference !== undefined) throw surprise(difference)
    this.#fresh.clear()
    this.#noteIds(states, table)
  }

  #noteIds(states: readonly ServerState[], table: ServerTable): void {
    for (const { backend, name, backendId, serverId } of states) {
      const slot = table.find(backend, name)
      if (slot?.state === 'draining') this.#ids.set(slot, { backendId, serverId })
    }
  }

  /** Puts into maintenance what has drained. */
  async #retire({ worker, table }: LoadedWorker): Promise<void> {
    const { runtime, journal, drainMs } = this.#options
    const draining = [...table.draining()].filter((slot) => this.#ids.has(slot))
    if (draining.length === 0) return
    const sessions = await runtime.sessions(
      worker,
      draining.flatMap((slot) => this.#ids.get(slot) ?? [])
    )
    const now = performance.now()
    const drained = draining.filter((slot, index) => {
      // Maintenance would cut what is under way there: it waits for the next reload instead.
      const patient = isCutWhenDown(slot)
      return sessions[index] === 0 || (!patient && now - slot.drainingSince > drainMs)
    })
    await runtime.execute(worker, drained.map(toMaintenance))
    for (const slot of drained) {
      table.markSpare(slot)
      journal.spare(slot)
    }
  }

  async #deleteSpares({ worker, table }: LoadedWorker): Promise<void> {
    const { runtime, journal } = this.#options
    const spares = [...table.all()].filter(({ state }) => state === 'spare').slice(0, 100)
    const answers =
      spares.length === 0
        ? []
        : await runtime.tell(
            worker,
            spares.map((slot) => deletion(slot).text)
          )
    for (const [index, slot] of spares.entries()) {
      // One that still has a connection stays, and is tried again or used again.
      if (!deletion(slot).answer.test(answers[index] ?? '')) continue
      table.delete(slot)
      journal.deleted(slot)
    }
  }
}

/** What comes, and only when all of that has come, what goes: a backend is never emptied by half a change. */
function steps(operations: readonly Operation[]): RuntimeCommand[][] {
  const come = operations.filter(({ kind }) => kind !== 'drain')
  const go = operations.filter(({ kind }) => kind === 'drain')
  return [come, go].map((step) => step.flatMap(({ commands }) => commands)).filter(({ length }) => length > 0)
}

function surprise(words: string): KontrolError {
  return new KontrolError('KTL_HAPROXY_SURPRISE', `HAProxy is not as expected: ${words}`, {
    hint: 'No action needed: HAProxy is reloaded with the configuration it should run.'
  })
}
