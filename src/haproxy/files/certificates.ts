import { stat } from 'node:fs/promises'
import { findKontrolError, KontrolError, messageOf, problemOf, type Problem } from '../../errors.ts'
import type { Clock } from '../../platform/clock.ts'
import { readPlainFile, SMALL_FILE_BYTES } from '../../platform/files/plain-file.ts'
import type { Logger } from '../../platform/logger.ts'
import { Poller } from '../../platform/poller.ts'
import type { Known } from '../known.ts'
import { infoNumber, type RuntimeApi } from '../socket/runtime-api.ts'
import type { TaskQueue } from '../../platform/queue.ts'

export interface CertificatesOptions {
  runtime: RuntimeApi
  clock: Clock
  logger: Logger
  /** The driver's: nothing is said to a worker while a reload is under way. */
  queue: TaskQueue
  known: Pick<Known, 'worker'>
  onAlarm: (problem: Problem) => void
}

/** Kubernetes itself takes a minute to bring a changed secret to a pod. */
const POLL_MS = 2_000
/** A look at a worker that hangs must not hold up for long what waits behind it. */
const LOOK_MS = 2_000

/**
 * Gives HAProxy the certificates that it has loaded anew when their files
 * change, without a reload. A pair that does not fit is refused, and the old
 * one stays.
 *
 * Looks at the files instead of watching them: a mounted secret changes by a
 * link to another folder.
 */
export class Certificates {
  readonly #options: CertificatesOptions
  readonly #problems = new Map<string, Problem>()
  /** By file, what it was when HAProxy was last given it. */
  #seen = new Map<string, string>()
  #worker: number | undefined
  readonly #poller: Poller

  constructor(options: CertificatesOptions) {
    const { clock, queue, logger } = options
    this.#options = options
    this.#poller = new Poller({
      clock,
      intervalMs: POLL_MS,
      poll: () => queue.enqueue(async () => await this.#poll()),
      onError: (err) => logger.warn({ err }, 'certificates not looked at')
    })
  }

  start(): void {
    this.#poller.start()
  }

  problems(): Problem[] {
    return [...this.#problems.values()]
  }

  close(): void {
    void this.#poller.stop()
  }

  async #poll(): Promise<void> {
    const { known } = this.#options
    const pid = known.worker?.workerPid
    if (pid === undefined) return
    if (pid !== this.#worker) await this.#begin(pid)
    for (const [path, seen] of this.#seen) {
      const now = await fingerprint(path)
      if (now === seen || now === '') continue
      if (await this.#replace(pid, path)) this.#seen.set(path, now)
    }
  }

  /** A worker has just read all files itself; one that changed since is told by its time. */
  async #begin(pid: number): Promise<void> {
    const { runtime } = this.#options
    const [info = '', answer = ''] = await runtime.ask(pid, ['show info', 'show ssl cert'], LOOK_MS)
    // HAProxy counts whole seconds. What it is given once too often does no harm.
    const startedAt = Date.now() - (infoNumber(info, 'Uptime_sec') ?? 0) * 1_000 - 1_000
    const seen = await Promise.all(
      certificateFiles(answer).map(
        async (path) => [path, (await changedAt(path)) > startedAt ? '' : await fingerprint(path)] as const
      )
    )
    this.#seen = new Map(seen)
    this.#worker = pid
    this.#problems.clear()
  }

  /** False when HAProxy did not answer: it is to be asked again. */
  async #replace(workerPid: number, path: string): Promise<boolean> {
    const { runtime, logger, onAlarm } = this.#options
    try {
      await runtime.replaceCertificate(workerPid, path, await pemOf(path))
      this.#problems.delete(path)
      logger.info({ certificate: path }, 'certificate replaced')
      return true
    } catch (cause) {
      const error = new KontrolError('KTL_HAPROXY_CERTIFICATE', `${path} was not taken over: ${messageOf(cause)}`, {
        cause,
        hint: 'Put a certificate and the key that belongs to it there; HAProxy goes on with the former ones.'
      })
      logger.error({ err: error }, 'certificate refused')
      const problem = problemOf(error)
      this.#problems.set(path, problem)
      onAlarm(problem)
      return findKontrolError(cause) === undefined
    }
  }
}

/**
 * `show ssl cert`, 2.6.12; what stands between is a change that was not committed:
 *
 *     # transaction
 *     /etc/tls/old.pem
 *     # filename
 *     /etc/tls/site.pem
 */
export function certificateFiles(answer: string): string[] {
  const [, files = ''] = answer.split('# filename\n')
  return files.split('\n').filter((line) => line.startsWith('/'))
}

async function changedAt(path: string): Promise<number> {
  const parts = await Promise.all(
    [path, ...keyFiles(path)].map(async (file) => await stat(file).catch(() => undefined))
  )
  return Math.max(...parts.map((part) => part?.mtimeMs ?? 0))
}

/** Changes with the file, and with the link that leads to it; empty while there is none. */
async function fingerprint(path: string): Promise<string> {
  const parts = await Promise.all(
    [path, ...keyFiles(path)].map(async (file) => await stat(file).catch(() => undefined))
  )
  return parts[0] === undefined ? '' : parts.map((part) => `${part?.ino} ${part?.mtimeMs} ${part?.size}`).join(' ')
}

/** Where HAProxy finds the key of a certificate that comes without one; `tls.crt` and `tls.key` are a Kubernetes secret. */
function keyFiles(path: string): string[] {
  return [path.endsWith('.crt') ? `${path.slice(0, -'.crt'.length)}.key` : `${path}.key`]
}

async function pemOf(path: string): Promise<string> {
  const certificate = await readPlainFile(path, SMALL_FILE_BYTES)
  const parts = [certificate]
  if (!certificate.includes('PRIVATE KEY-----')) {
    for (const key of keyFiles(path)) parts.push(await readPlainFile(key, SMALL_FILE_BYTES))
  }
  // An empty line would end it for HAProxy.
  return parts
    .join('\n')
    .replace(/\n\s*\n/g, '\n')
    .trim()
}
