import { createHash } from 'node:crypto'
import { digestOf } from './files/worker-record.ts'
import type { Problem } from '../errors.ts'
import type { WorkerPids } from './process/reload.ts'
import type { RunningConfig } from './servers/plan.ts'

/** A configuration and its name. */
export interface Configuration {
  readonly text: string
  /** SHA-256 in hex, over base.cfg and the operator's text. */
  readonly digest: string
  /** Over the operator's text alone: it is the same at proxies whose data folders differ. */
  readonly textDigest: string
}

/** What a worker loaded from its file, with its servers as they were changed since. */
export interface LoadedWorker extends RunningConfig {
  /** Its pid. */
  worker: number
}

/**
 * All that is known of the configuration. `Servers` writes what the worker has `loaded`; `Instance` and `takeOver` who serves,
 * what is `kept` and, after a load, what is `running`; `Update` what was asked for and, after a change at runtime, what is
 * `running`, as does `Reconciler` after a reload by another hand.
 */
export class Known {
  readonly #base: string
  #refusal: Problem | undefined
  /** The worker that serves; undefined while HAProxy is away. */
  worker: WorkerPids | undefined
  /** Undefined when it is not known, until the next reload. */
  loaded: LoadedWorker | undefined
  /** What it runs; undefined while HAProxy is away, or runs something that is not known. */
  running: Configuration | undefined
  /** What it ran last; stays when HAProxy dies. */
  lastRunning: Configuration | undefined
  /** What is on disk for the next start, or will be once its worker has been watched. */
  kept: Configuration | undefined
  /** Checked, and waiting for a reload. */
  pending: Configuration | undefined
  /** The last that HAProxy was to be given, good or bad. */
  candidate: Configuration | undefined
  /** What is wrong: with HAProxy itself, with the candidate, with the file for the next start. */
  readonly problem: { instance?: Problem | undefined; candidate?: Problem | undefined; file?: Problem | undefined } = {}

  /** @param base text of base.cfg, as far as it does not go by the operator's */
  constructor(base: string) {
    this.#base = base
  }

  configurationOf(text: string): Configuration {
    const base = this.#base
    let digest: string | undefined
    let textDigest: string | undefined
    return {
      text,
      // On demand: a change of one server does not wait for them.
      get digest() {
        return (digest ??= digestOf(base, text))
      },
      get textDigest() {
        return (textDigest ??= createHash('sha256').update(text).digest('hex'))
      }
    }
  }

  /** The text that was asked for is not what runs, and why. */
  refuse(problem: Problem): void {
    this.#refusal = this.problem.candidate = problem
  }

  /** The text that was asked for last is not wanted any more: what was wrong with it is no problem now. */
  withdraw(): void {
    if (this.problem.candidate === this.#refusal) this.problem.candidate = undefined
  }

  /** What runs and is not on its way to the disk. */
  notPersisted(): Configuration | undefined {
    return this.running === this.kept ? undefined : this.running
  }

  /** HAProxy is gone. */
  forgetWorker(): void {
    this.worker = undefined
    this.loaded = undefined
    this.running = undefined
    this.kept = undefined
  }
}
