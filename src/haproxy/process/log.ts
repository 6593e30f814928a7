import { copyFile, open, stat, truncate } from 'node:fs/promises'
import type { Clock } from '../../platform/clock.ts'
import type { Logger } from '../../platform/logger.ts'
import { Poller } from '../../platform/poller.ts'

const POLL_MS = 500
const MAX_READ_BYTES = 256 * 1024

export interface HaproxyLogOptions {
  path: string
  /** Of HAProxy's master. */
  pid: () => number | undefined
  clock: Clock
  logger: Logger
  /** Words of HAProxy without the secrets of its configuration, which it quotes; as they are when absent. */
  hide?: (words: string) => Promise<string>
  /** Past this size the file becomes `<path>.1`, in place of the former one. */
  maxBytes?: number
}

/**
 * The file HAProxy writes to. HAProxy outlives us, so it cannot write to a
 * pipe of ours; we read along, tell our own log, and keep the file small.
 */
export class HaproxyLog {
  readonly #path: string
  readonly #pid: () => number | undefined
  readonly #logger: Logger
  readonly #hide: (words: string) => Promise<string>
  readonly #maxBytes: number
  readonly #poller: Poller
  #offset = 0

  constructor({ path, pid, clock, logger, hide, maxBytes = 4 * 1024 * 1024 }: HaproxyLogOptions) {
    this.#hide = hide ?? (async (words) => words)
    this.#path = path
    this.#pid = pid
    this.#logger = logger
    this.#maxBytes = maxBytes
    this.#poller = new Poller({
      clock,
      intervalMs: POLL_MS,
      poll: () => this.#poll(),
      onError: (err) => logger.warn({ err }, 'haproxy log unreadable')
    })
  }

  /** Begins behind what is there: an earlier run has told it. A second call changes nothing. */
  async start(): Promise<void> {
    if (this.#poller.started) return
    this.#offset = await this.size()
    this.#poller.start()
  }

  /** Bytes so far: the place to read on from with `since`. */
  async size(): Promise<number> {
    return await sizeOf(await this.#place())
  }

  async since(offset: number): Promise<string> {
    return await this.hide(await read(await this.#place(), offset).catch(() => ''))
  }

  async hide(words: string): Promise<string> {
    return await this.#hide(words)
  }

  async close(): Promise<void> {
    await this.#poller.stop()
  }

  /** HAProxy goes on to write to a file that somebody has deleted: where the kernel still has it, then. */
  async #place(): Promise<string> {
    const deleted = `/proc/${this.#pid() ?? 0}/fd/1`
    const isThere = await isFile(this.#path)
    return isThere || !(await isFile(deleted)) ? this.#path : deleted
  }

  async #poll(): Promise<void> {
    const place = await this.#place()
    const size = await sizeOf(place)
    if (size < this.#offset) this.#offset = 0
    if (size > this.#offset) {
      const fresh = await read(place, this.#offset)
      // A line that HAProxy is in the middle of waits for the next look.
      const end = fresh.lastIndexOf('\n') + 1
      this.#offset += Buffer.byteLength(fresh.slice(0, end)) || (fresh.length >= MAX_READ_BYTES ? fresh.length : 0)
      const shown = await this.hide(fresh.slice(0, end))
      for (const line of shown.split('\n')) if (line !== '') this.#tell(line)
    }
    if (this.#offset > this.#maxBytes) await this.#rotate(place)
  }

  /** HAProxy appends, so it goes on at the new end by itself. */
  async #rotate(place: string): Promise<void> {
    await copyFile(place, `${this.#path}.1`)
    await truncate(place)
    this.#offset = 0
  }

  /**
   *     [WARNING]  (13234) : Server http/web-1 is DOWN, reason: Layer4 connection problem, …
   *     [WARNING]  (13231) : Former worker (13234) exited with code 0 (Exit)
   */
  #tell(line: string): void {
    const [, level, pid, words] = /^\[(\w+)\]\s+\((\d+)\) : (.*)$/.exec(line) ?? []
    const fields = { pid: Number(pid), says: words }
    if (level === 'ALERT') this.#logger.error(fields, 'haproxy alert')
    else if (level === 'WARNING' && !ROUTINE.test(words ?? '')) this.#logger.warn(fields, 'haproxy warning')
    else this.#logger.debug(words === undefined ? { says: line } : fields, 'haproxy notice')
  }
}

/**
 * What every reload and stop says, every server that comes or goes by our doing, each TCP frontend of our own defaults,
 * and the sample of the original README. Before 3.2 what a check of the whole configuration finds begins with `config :`.
 */
const ROUTINE = new RegExp(
  [
    String.raw`^Proxy \S+ stopped \(`,
    '^Former worker .* exited with code 0 ',
    'enters drain state|leaving forced (?:drain|maintenance)|is going DOWN for maintenance',
    '^(?:config : )?.option idle-close-on-response. ignored for',
    '^config : parsing .* .option httplog. directive is ignored in backends',
    '^Exiting Master process'
  ].join('|')
)

async function sizeOf(path: string): Promise<number> {
  return await stat(path).then(
    ({ size }) => size,
    () => 0
  )
}

/** Not so a pipe, which is supervisord's to read. */
async function isFile(path: string): Promise<boolean> {
  return await stat(path).then(
    (found) => found.isFile(),
    () => false
  )
}

async function read(path: string, offset: number): Promise<string> {
  const file = await open(path)
  try {
    const { size } = await file.stat()
    const from = size < offset ? 0 : offset
    const buffer = Buffer.alloc(Math.min(size - from, MAX_READ_BYTES))
    const { bytesRead } = await file.read(buffer, 0, buffer.length, from)
    return buffer.toString('utf8', 0, bytesRead)
  } finally {
    await file.close()
  }
}
