import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import pretty from 'pino-pretty'
import { request } from 'undici'
import { KontrolError, messageOf } from '../errors.ts'

const MAIN = fileURLToPath(new URL('../main.js', import.meta.url))
const RESTART_MS = 1000
const READY_POLL_MS = 100
const READY_TIMEOUT_MS = 60_000
const STOP_TIMEOUT_MS = 45_000

/** Exit codes after which a new start would end in the same way; before it has answered for the first time, "try again" too. */
const CONFIGURATION_EXITS = new Set([64, 78])
const EXIT_TRY_AGAIN = 75

/**
 * Runs the control tier as a container would: as a process of its own, which is
 * started again when it dies. It is in a process group of its own, so that
 * Ctrl-C reaches the demo alone, which then ends everything in order.
 */
export class ControlTierProcess {
  readonly #env: NodeJS.ProcessEnv
  readonly #url: string
  #child: ChildProcess | undefined
  #ended: Promise<unknown> = Promise.resolve()
  #stopping = false
  #failure: number | undefined
  #answered = false

  constructor(env: NodeJS.ProcessEnv, url: string) {
    this.#env = env
    this.#url = url
  }

  /** @throws KontrolError KTL_CONFIG_INVALID when it refuses to start, KTL_MASTER_UNREACHABLE when it does not answer */
  async start(signal: AbortSignal): Promise<void> {
    this.#spawn()
    const deadline = Date.now() + READY_TIMEOUT_MS
    while (!(await this.#answers())) {
      signal.throwIfAborted()
      if (this.#failure === EXIT_TRY_AGAIN) {
        throw new KontrolError('KTL_MASTER_UNREACHABLE', 'The control tier ended, and may be tried again', {
          hint: 'Read what it said above.'
        })
      }
      if (this.#failure !== undefined) {
        throw new KontrolError('KTL_CONFIG_INVALID', `The control tier ended with exit code ${this.#failure}`, {
          hint: 'Read what it said above.'
        })
      }
      if (Date.now() > deadline) {
        throw new KontrolError('KTL_MASTER_UNREACHABLE', `The control tier does not answer at ${this.#url}`, {
          hint: 'Read its log above.'
        })
      }
      await sleep(READY_POLL_MS)
    }
    this.#answered = true
  }

  /** Lets the automaton run its terminal state, which stops HAProxy, then ends the process. */
  async stop(): Promise<void> {
    this.#stopping = true
    const child = this.#child
    if (child === undefined) return
    const failure = await this.#shutDown().catch(messageOf)
    if (typeof failure === 'string') process.stderr.write(`The control tier did not shut down in order: ${failure}\n`)
    child.kill('SIGTERM')
    await this.#ended
  }

  #spawn(): void {
    // Its log comes through a pipe, so that it is calm to read wherever the demo prints.
    const child = spawn(process.execPath, [MAIN, 'run'], {
      env: this.#env,
      detached: true,
      stdio: ['ignore', 'pipe', 'inherit']
    })
    child.stdout.pipe(
      pretty({ ignore: 'pid,hostname', translateTime: 'SYS:HH:MM:ss.l', singleLine: true, destination: 1 })
    )
    this.#child = child
    this.#ended = once(child, 'exit').then(([code]) => this.#exited(code as number | null))
  }

  #exited(code: number | null): void {
    this.#child = undefined
    if (this.#stopping) return
    if (code !== null && (CONFIGURATION_EXITS.has(code) || (code === EXIT_TRY_AGAIN && !this.#answered))) {
      this.#failure = code
      return
    }
    process.stderr.write(`The control tier died (${code ?? 'killed'}); starting it again. HAProxy serves on.\n`)
    setTimeout(() => {
      if (!this.#stopping) this.#spawn()
    }, RESTART_MS)
  }

  async #answers(): Promise<boolean> {
    // Else it is another one that does.
    if (this.#child === undefined) return false
    try {
      const { statusCode, body } = await request(`${this.#url}/readyz`)
      await body.dump()
      return statusCode === 200
    } catch {
      return false
    }
  }

  async #shutDown(): Promise<void> {
    const { body } = await request(`${this.#url}/api/v1/lifecycle/transitions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ state: 'shutdown', wait: true }),
      headersTimeout: STOP_TIMEOUT_MS
    })
    await body.dump()
  }
}
