import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream, existsSync } from 'node:fs'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { haproxyEnvironment } from '../../src/platform/process/haproxy-environment.ts'
import { exchange } from '../../src/haproxy/socket/exchange.ts'

/** A HAProxy that was started plainly on a text. */
export interface FreshHaproxy extends AsyncDisposable {
  socket: string
  /** It stands still, and checks nobody, until it is let go on. */
  pause(): void
  goOn(): void
  /** How it ended, and what it said; undefined while it runs. */
  fate(): Promise<string | undefined>
}

/** What HAProxy said, when it does not start on a text. */
export type FreshStart = { haproxy: FreshHaproxy; refused?: undefined } | { refused: string }

/** Its socket may be gone a moment before we hear of its end. */
const FATE_MS = 500

/** How many texts a chain of pairs goes to and fro between, at most. */
export const TEXTS = 4

/**
 * One for each text that was asked for last: a text that comes again finds its own still running. Each has addresses of
 * its own, as the driven one has.
 */
export class FreshHaproxies implements AsyncDisposable {
  readonly #folder: string
  readonly #ownPrefix: string
  readonly #free: string[]
  /** By text; what was asked for last is the last one. */
  readonly #running = new Map<string, FreshHaproxy & { prefix: string }>()
  readonly #forget: (prefix: string) => void

  /** @param forget what pods know of former users of addresses */
  constructor(folder: string, ownPrefix: string, prefixes: readonly string[], forget: (prefix: string) => void) {
    this.#folder = folder
    this.#ownPrefix = ownPrefix
    this.#free = [...prefixes]
    this.#forget = forget
  }

  /** @returns what HAProxy said in place, when it does not start */
  async of(text: string): Promise<(FreshHaproxy & { prefix: string }) | string> {
    const known = this.#running.get(text)
    if (known !== undefined) {
      this.#running.delete(text)
      this.#running.set(text, known)
      known.goOn()
      return known
    }
    const [oldest] = this.#running.keys()
    if (this.#running.size === TEXTS && oldest !== undefined) await this.end(oldest)
    // The one that has rested longest: what the former HAProxy there had sent to a pod has come by now, and is forgotten.
    const prefix = this.#free.shift()
    if (prefix === undefined) throw new Error('No addresses are left')
    this.#forget(prefix)
    const start = await startFresh(join(this.#folder, prefix), text.replaceAll(this.#ownPrefix, prefix))
    if (start.refused !== undefined) {
      this.#free.push(prefix)
      return start.refused
    }
    const running = { ...start.haproxy, prefix }
    this.#running.set(text, running)
    return running
  }

  has(text: string): boolean {
    return this.#running.has(text)
  }

  pause(text: string): void {
    this.#running.get(text)?.pause()
  }

  async end(text: string): Promise<void> {
    const running = this.#running.get(text)
    if (running === undefined) return
    this.#running.delete(text)
    await running[Symbol.asyncDispose]()
    this.#free.push(running.prefix)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const text of this.#running.keys()) await this.end(text)
  }
}

/**
 * What every HAProxy of ours loads before the operator's text, in words of the
 * judge's own: it is not to inherit a mistake of ours.
 */
const baseOf = (folder: string, text: string): string => `global
  stats socket ${folder}/admin.sock mode 600 level admin
  server-state-file ${folder}/server-state
  ssl-load-extra-del-ext
${/^defaults\b/m.test(text) ? '' : DEFAULTS}`

/** For a text that has none of its own; before some lines of `global` HAProxy takes no other section. */
const DEFAULTS = `defaults
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  timeout http-keep-alive 10s
`

export async function startFresh(folder: string, text: string): Promise<FreshStart> {
  await rm(folder, { recursive: true, force: true })
  await mkdir(folder, { recursive: true })
  const [base, config, peers] = ['base.cfg', 'a.cfg', 'peers.cfg'].map((name) => join(folder, name))
  if (base === undefined || config === undefined || peers === undefined) throw new Error('No folder')
  const log = join(folder, 'log')
  await writeFile(base, baseOf(folder, text))
  await writeFile(join(folder, 'server-state'), '1\n')
  await writeFile(config, text.endsWith('\n') ? text : `${text}\n`)
  // The one section of ours that a text may name.
  const named = /\bpeers kontrol\b/.test(text)
  await writeFile(peers, named ? `peers kontrol\n  peer "$HAPROXY_LOCALPEER" unix@${folder}/peers.sock\n` : '')
  const output = createWriteStream(log)
  await once(output, 'open')
  // A master only where the text takes one: without it HAProxy starts in half the time.
  const master = /^\s*program\b/m.test(text) ? ['-W'] : []
  const child = spawn('haproxy', [...master, '-db', '-f', base, '-f', config, '-f', peers], {
    // A group of its own: what is said to a master is to reach its worker and its programs too, whatever becomes of it.
    detached: true,
    // What HAProxy is given decides what its text reads from it; who gives what is held elsewhere.
    env: haproxyEnvironment(process.env),
    stdio: ['ignore', output, output]
  })
  await once(child, 'spawn')
  const socket = join(folder, 'admin.sock')
  if (!(await serves(child, socket))) {
    if (!ended(child)) await once(child, 'exit')
    output.close()
    const said = await readFile(log, 'utf8')
    // To refuse a text is another thing.
    if (child.signalCode !== null) throw new Error(`A fresh HAProxy was ended by ${child.signalCode}: ${said}`)
    return { refused: said }
  }
  return {
    haproxy: {
      socket,
      pause: () => signal(child, 'SIGSTOP'),
      goOn: () => signal(child, 'SIGCONT'),
      async fate() {
        if (!ended(child)) await once(child, 'exit', { signal: AbortSignal.timeout(FATE_MS) }).catch(() => undefined)
        return ended(child)
          ? `ended by ${child.signalCode ?? child.exitCode}: ${await readFile(log, 'utf8')}`
          : undefined
      },
      async [Symbol.asyncDispose]() {
        signal(child, 'SIGKILL')
        if (!ended(child)) await once(child, 'exit')
        output.close()
      }
    }
  }
}

async function serves(child: ChildProcess, socket: string): Promise<boolean> {
  for (let tries = 0; tries < 1000; tries++) {
    if (ended(child)) return false
    // To look costs next to nothing, to ask in vain a lot.
    const answered = existsSync(socket) ? await exchange(socket, 'show info').catch(() => undefined) : undefined
    if (answered?.includes('Pid:') === true) return true
    await sleep(10)
  }
  signal(child, 'SIGKILL')
  return false
}

const ended = ({ exitCode, signalCode }: ChildProcess): boolean => exitCode !== null || signalCode !== null

/** To all that it began. One that has ended by itself has left its number to whoever comes next. */
function signal(child: ChildProcess, name: NodeJS.Signals): void {
  try {
    if (child.pid !== undefined && !ended(child)) process.kill(-child.pid, name)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}
