import { readFile } from 'node:fs/promises'

export interface Cores {
  /** Words before a program, which is then kept to one core, and its load to another. */
  program: readonly string[]
  load: readonly string[]
}

/** Two of those that this process may use. */
export async function twoCores(): Promise<Cores> {
  const [, list = ''] = /^Cpus_allowed_list:\s+(\S+)$/m.exec(await readFile('/proc/self/status', 'utf8')) ?? []
  const [one, other] = list.split(',').flatMap((range) => {
    const [from = NaN, to = from] = range.split('-').map(Number)
    return Array.from({ length: to - from + 1 }, (_, index) => from + index)
  })
  if (one === undefined || other === undefined) throw new Error(`two cores are needed, and there are ${list}`)
  return { program: ['taskset', '-c', String(one)], load: ['taskset', '-c', String(other)] }
}
