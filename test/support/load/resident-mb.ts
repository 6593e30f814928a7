import { readFile } from 'node:fs/promises'

/** Megabytes that are resident of a process. */
export async function residentMb(pid: number | undefined): Promise<number> {
  const [, kB] = /^VmRSS:\s+(\d+) kB$/m.exec(await readFile(`/proc/${pid}/status`, 'utf8')) ?? []
  return (Number(kB) * 1024) / 1e6
}
