import type { ChildProcess } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'

const POLL_MS = 20

/**
 * Signals a process and all that it started: it has to lead a process group.
 *
 * @param signal 0 only asks whether somebody of the group is there
 * @returns whether the group was there to be signalled
 */
export function signalGroup({ pid }: ChildProcess, signal: NodeJS.Signals | 0): boolean {
  if (pid === undefined) return false
  try {
    return process.kill(-pid, signal)
  } catch {
    // ESRCH: all of them are gone, which is what was wanted.
    return false
  }
}

/**
 * Resolves when nobody of the group is left, `withinMs` at the latest. A process that has ended and was not reaped is
 * gone: where process 1 does not do it, it stays for ever, and a signal reaches it still.
 */
export async function groupGone(child: ChildProcess, withinMs: number): Promise<void> {
  for (let left = withinMs / POLL_MS; left > 0; left--) {
    if (!signalGroup(child, 0) || !(await someLive(child))) return
    await sleep(POLL_MS)
  }
}

async function someLive({ pid }: ChildProcess): Promise<boolean> {
  const names = await readdir('/proc')
  const states = await Promise.all(names.filter((name) => /^\d+$/.test(name)).map(stateIn(pid)))
  return states.some((state) => state !== undefined && state !== 'Z' && state !== 'X')
}

/** The state of a process that is in the group, as in `42 (sh) S 1 42 42 …`; the name may hold anything. */
const stateIn =
  (group: number | undefined) =>
  async (pid: string): Promise<string | undefined> => {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
    const [state, , pgrp] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return Number(pgrp) === group ? state : undefined
  }
