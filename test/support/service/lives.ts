import { readFileSync } from 'node:fs'

/** Whether a process runs. One that has ended and was not reaped yet does not, although a signal would reach it. */
export function lives(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return !['Z', 'X'].includes(stat.charAt(stat.lastIndexOf(')') + 2))
  } catch {
    return false
  }
}
