import { readFile } from 'node:fs/promises'

/** USER_HZ, which Linux gives to programs whatever its own is. */
const TICKS_PER_SECOND = 100

/** Seconds of processor time that a process has had, all its threads together. */
export async function processorTime(pid: number | undefined): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
  // The name may hold blanks and brackets: what counts stands behind its last one.
  const [user, system] = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 13)
  return (Number(user) + Number(system)) / TICKS_PER_SECOND
}
