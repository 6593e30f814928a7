import { runSubprocess } from '../../platform/process/subprocess.ts'
import { KontrolError } from '../../errors.ts'
import type { Logger } from '../../platform/logger.ts'

/** Has new connections wait while HAProxy is reloaded. */
export interface SynGuard {
  /** Takes away what an earlier run of this program left when it was killed. */
  clear(): Promise<void>
  /** @param ports on which nobody gets through while `task` runs */
  during<T>(ports: readonly number[], task: () => Promise<T>): Promise<T>
}

/** HAProxy passes its listening sockets to the next worker: nobody needs to wait. */
export const noSynGuard: SynGuard = {
  clear: async () => {},
  during: async (_ports, task) => await task()
}

const CHAIN = 'KONTROL-SYN-GUARD'
const TIMEOUT_MS = 5_000

/**
 * Drops SYN packets by iptables, as the original did: a client's kernel sends
 * one again after a second. For builds of HAProxy that do not pass sockets.
 */
export class IptablesSynGuard implements SynGuard {
  readonly #command: readonly [string, ...string[]]
  readonly #logger: Logger

  /** @param command words before the arguments of iptables, `['iptables']` unless told otherwise */
  constructor({ logger, command = ['iptables'] }: { logger: Logger; command?: readonly [string, ...string[]] }) {
    this.#command = command
    this.#logger = logger
  }

  async clear(): Promise<void> {
    await this.#iptables('-D', 'INPUT', '-j', CHAIN)
    await this.#iptables('-F', CHAIN)
    await this.#iptables('-X', CHAIN)
  }

  async during<T>(ports: readonly number[], task: () => Promise<T>): Promise<T> {
    if (ports.length === 0) return await task()
    try {
      await this.#close(ports)
      return await task()
    } finally {
      await this.clear()
    }
  }

  /** Without it the reload goes on: it is a help and no condition. */
  async #close(ports: readonly number[]): Promise<void> {
    const problems = [await this.#iptables('-N', CHAIN)]
    for (const port of new Set(ports)) {
      problems.push(await this.#iptables('-A', CHAIN, '-p', 'tcp', '--dport', String(port), '--syn', '-j', 'DROP'))
    }
    problems.push(await this.#iptables('-I', 'INPUT', '-j', CHAIN))
    const problem = problems.find((words) => words !== undefined)
    if (problem === undefined) return
    const err = new KontrolError('KTL_UNEXPECTED', `iptables cannot drop SYN packets: ${problem}`, {
      hint: 'Give the container the capability NET_ADMIN, or set KONTROL_SYN_GUARD=off.'
    })
    this.#logger.warn({ err }, 'reload without syn guard')
  }

  /** What it says when it fails. */
  async #iptables(...args: string[]): Promise<string | undefined> {
    const [program, ...words] = this.#command
    const done = await runSubprocess(program, [...words, '-w', '5', ...args], { timeoutMs: TIMEOUT_MS }).catch(
      (error: unknown) => ({ code: 1, stderr: String(error) })
    )
    return done.code === 0 ? undefined : done.stderr.trim()
  }
}
