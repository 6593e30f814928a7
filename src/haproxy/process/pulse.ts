import { KontrolError, messageOf, type Problem } from '../../errors.ts'
import { Backoff } from '../../platform/backoff.ts'
import type { Clock } from '../../platform/clock.ts'
import type { Logger } from '../../platform/logger.ts'
import { Poller } from '../../platform/poller.ts'
import type { Known } from '../known.ts'
import type { MasterCli } from '../socket/master-cli.ts'
import type { RuntimeApi } from '../socket/runtime-api.ts'
import { isGone, isRefused } from '../socket/exchange.ts'
import { goOn } from './hung.ts'
import type { Supervisor } from '../supervisor/supervisor.ts'

export interface PulseOptions {
  known: Known
  supervisor: Pick<Supervisor, 'pid'>
  master: MasterCli
  runtime: RuntimeApi
  clock: Clock
  logger: Logger
  /** Replaces a worker that does not answer by a reload, which may wait for its turn. */
  replaceWorker: () => Promise<void>
  /** Has HAProxy make its sockets again, as nobody can reach it any more. */
  replaceHaproxy: () => Promise<void>
}

const POLL_MS = 1_000
const ANSWER_MS = 1_500
/** One answer that is late on a busy machine is no silence. */
const TELL_MS = 1_400
/** For so long before it is replaced. Of one that finishes it is known by then whether someone has stopped its program in supervisord. */
const PATIENCE_MS = { hangs: 10_000, finishes: 8_000, gone: 2_000 }
/** Between the end of a replacement and the next one: somebody may delete a folder again and again. */
const PAUSES = { firstMs: 5_000, maxMs: 60_000 }
/** What has been well for so long after a replacement begins anew. */
const FORGET_MS = 300_000

/** Who is asked, and since when it says nothing. */
interface Patient {
  name: 'worker' | 'master'
  ask: () => Promise<unknown>
  pid: () => number | undefined
  silentSince: number | undefined
  problem: Problem | undefined
}

/** Alive is not well: asks HAProxy's worker and its master each second, tells of one that does not answer, and helps it. */
export class Pulse {
  readonly #options: PulseOptions
  readonly #patients: readonly Patient[]
  readonly #poller: Poller
  readonly #pauses = new Backoff(PAUSES)
  #replacing = false
  #notBefore = -Infinity

  constructor(options: PulseOptions) {
    const { known, supervisor, runtime, master, clock, logger } = options
    this.#options = options
    const fresh = { silentSince: undefined, problem: undefined }
    this.#patients = [
      { name: 'worker', ask: () => runtime.workerPid(ANSWER_MS), pid: () => known.worker?.workerPid, ...fresh },
      // One that was found without its sockets has never been asked who its worker is.
      { name: 'master', ask: () => master.showProcesses(ANSWER_MS), pid: () => supervisor.pid(), ...fresh }
    ]
    this.#poller = new Poller({
      clock,
      intervalMs: POLL_MS,
      poll: async () => void (await Promise.all(this.#patients.map((patient) => this.#look(patient)))),
      onError: (err) => logger.warn({ err }, 'haproxy not looked at')
    })
  }

  start(): void {
    this.#poller.start()
  }

  close(): void {
    void this.#poller.stop()
  }

  /** What was asked for before and waits for its turn has no longer a reason. */
  get closed(): boolean {
    return this.#poller.stopped
  }

  problems(): Problem[] {
    return this.#patients.flatMap(({ problem }) => problem ?? [])
  }

  async #look(patient: Patient): Promise<void> {
    const pid = patient.pid()
    // One that died is the supervisor's business.
    if (pid === undefined) return this.#well(patient)
    const askedAt = this.#options.clock.monotonic()
    try {
      await patient.ask()
      this.#well(patient)
    } catch (error) {
      const how = howSilent(error, patient)
      if (how === undefined || patient.pid() !== pid) return
      patient.silentSince ??= askedAt
      await this.#silent(patient, pid, this.#options.clock.monotonic() - patient.silentSince, how)
    }
  }

  #well(patient: Patient): void {
    if (patient.problem !== undefined) this.#options.logger.info({ who: patient.name }, 'haproxy answers again')
    patient.silentSince = undefined
    patient.problem = undefined
  }

  async #silent(patient: Patient, pid: number, forMs: number, how: Silence): Promise<void> {
    if (forMs < TELL_MS) return
    if (patient.problem === undefined) this.#tell(patient, pid, how)
    if (how === 'hangs' && (await goOn(pid, this.#options.logger))) return
    if (forMs < PATIENCE_MS[how]) return
    if (how === 'gone') this.#replace(this.#options.replaceHaproxy)
    // A master that hangs keeps nobody from being served: a person decides about it.
    else if (patient.name === 'worker') this.#replace(this.#options.replaceWorker)
  }

  #replace(replace: () => Promise<void>): void {
    const { clock, logger } = this.#options
    if (this.#replacing || clock.monotonic() < this.#notBefore) return
    if (clock.monotonic() > this.#notBefore + FORGET_MS) this.#pauses.reset()
    this.#replacing = true
    // Not waited for: it may need its turn, and the looks go on.
    void replace()
      .catch((err: unknown) => logger.error({ err }, 'haproxy not replaced'))
      .finally(() => {
        this.#replacing = false
        this.#notBefore = clock.monotonic() + this.#pauses.next()
      })
  }

  #tell(patient: Patient, pid: number, how: Silence): void {
    const who = `HAProxy's ${patient.name} (${pid})`
    const { what, hint } = {
      gone: { what: `The socket of ${who} is gone: it cannot be reached`, hint: MADE_AGAIN },
      finishes: { what: `${who} takes no connections any more: it was told to finish`, hint: SERVES_AGAIN },
      hangs: { what: `${who} does not answer`, hint: patient.name === 'worker' ? HEALS : MASTER_HANGS }
    }[how]
    const error = new KontrolError('KTL_HAPROXY_UNREACHABLE', what, { hint })
    patient.problem = error.problem
    this.#options.logger.error({ err: error }, 'haproxy is not answering')
  }
}

const HEALS = 'It is replaced within seconds; look at its log, and at who stopped it.'
const MADE_AGAIN = 'A reload makes it again within seconds; look at who deletes its files.'
const SERVES_AGAIN = 'A reload has it serve again within seconds; look at who sends it SIGUSR1.'
const MASTER_HANGS =
  'Traffic goes on and servers come and go, but nothing can be reloaded: look what stopped it, or kill it at a quiet time.'

type Silence = keyof typeof PATIENCE_MS

/** A master that refuses is about to begin, or to end, which others watch. */
function howSilent(error: unknown, { name }: Patient): Silence | undefined {
  if (isGone(error)) return 'gone'
  if (isRefused(error)) return name === 'worker' ? 'finishes' : undefined
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (messageOf(cause).startsWith('no answer within')) return 'hangs'
  }
  return undefined
}
