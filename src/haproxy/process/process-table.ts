import { readdir, readFile, readlink, stat } from 'node:fs/promises'
import { dirname } from 'node:path'

export interface ProcessInfo {
  pid: number
  parentPid: number
  /** Clock ticks after boot: with the pid it names a process for good. */
  startTime: string
}

/**
 * Finds the HAProxy master that was started with this master socket, also when
 * an earlier run of this program started it and was killed before it could
 * note its pid. Its workers carry the same command line; they are its children.
 */
export async function findMaster(socketArgument: string): Promise<ProcessInfo | undefined> {
  // Of two the older one has been replaced, and finishes what it has.
  return (await findMasters(socketArgument))[0]
}

/** The youngest first. */
export async function findMasters(socketArgument: string): Promise<ProcessInfo[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number)
  const found = await Promise.all(pids.map(async (pid) => await matching(pid, socketArgument)))
  const family = found.filter((process) => process !== undefined)
  const members = new Set(family.map(({ pid }) => pid))
  const masters = family.filter(({ parentPid }) => !members.has(parentPid))
  return masters.sort((one, other) => Number(other.startTime) - Number(one.startTime))
}

/** Undefined when the process is gone, or only waits to be reaped. */
export async function readProcess(pid: number): Promise<ProcessInfo | undefined> {
  const stat = await readIfThere(`/proc/${pid}/stat`)
  if (stat === undefined) return undefined
  // "13231 (haproxy) S 1 …": the name may hold blanks and brackets, the fields count from behind its last one.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const [state = 'X', parentPid] = fields
  if (isDead(state) && !(await hasLiveThread(pid))) return undefined
  return { pid, parentPid: Number(parentPid), startTime: fields[19] ?? '' }
}

/** A process that is killed is a zombie by its first thread while others still end, and hold its sockets until then. */
async function hasLiveThread(pid: number): Promise<boolean> {
  const threads = await readdir(`/proc/${pid}/task`).catch(() => [])
  const stats = await Promise.all(threads.map((thread) => readIfThere(`/proc/${pid}/task/${thread}/stat`)))
  return stats.some((stat) => stat !== undefined && !isDead(stat.slice(stat.lastIndexOf(')') + 2)))
}

const isDead = (state: string): boolean => state.startsWith('Z') || state.startsWith('X')

/** Whether a signal stopped it. */
export async function isStopped(pid: number): Promise<boolean> {
  const stat = (await readIfThere(`/proc/${pid}/stat`)) ?? ''
  return stat.slice(stat.lastIndexOf(')') + 2).startsWith('T')
}

async function matching(pid: number, socketArgument: string): Promise<ProcessInfo | undefined> {
  const commandLine = (await readIfThere(`/proc/${pid}/cmdline`)) ?? ''
  const words = commandLine.split('\0')
  if (!words.includes('-W') || words[words.indexOf('-S') + 1] !== socketArgument) return undefined
  return (await seesSamePath(pid, pathIn(socketArgument))) ? await readProcess(pid) : undefined
}

/** `/data/haproxy/master.sock,mode,600,level,admin`: options follow the path. */
const pathIn = (socketArgument: string): string => socketArgument.split(',')[0] ?? socketArgument

/**
 * The same path in another container is another file. Mounts of its own alone make no container: systemd gives them to
 * each start of a hardened unit, so the HAProxy of an earlier one has others than we have, and the same data folder.
 */
async function seesSamePath(pid: number, path: string): Promise<boolean> {
  const [ours, its] = await Promise.all(['self', String(pid)].map(mountNamespace))
  if (ours === its) return true
  // The socket, or its folder, may have been deleted.
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    const here = await identityOf(folder)
    if (here !== undefined) return here === (await identityOf(`/proc/${pid}/root${folder}`))
    if (folder === dirname(folder)) return false
  }
}

const identityOf = async (path: string): Promise<string | undefined> =>
  await stat(path).then(
    ({ dev, ino }) => `${dev}:${ino}`,
    () => undefined
  )

/** Undefined for a process that is gone, or another user's: when there are no descriptors left, that is not known. */
async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (GONE.has((error as NodeJS.ErrnoException).code ?? '')) return undefined
    throw error
  }
}

const GONE = new Set(['ENOENT', 'ESRCH', 'EACCES', 'EPERM'])

async function mountNamespace(pid: string): Promise<string> {
  return await readlink(`/proc/${pid}/ns/mnt`).catch(() => 'unknown')
}
