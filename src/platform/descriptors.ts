import { readFileSync } from 'node:fs'

/** Where the kernel does not tell, as on other systems than Linux: what most of them begin with. */
const USUAL = 1024

/**
 * Files and sockets that this process may have open at once. Node itself has raised the soft limit to the hard one.
 *
 *     Max open files            1024                 1024                 files
 */
export function descriptorLimit(limits = '/proc/self/limits'): number {
  try {
    const [, soft = ''] = /^Max open files\s+(\d+)/m.exec(readFileSync(limits, 'utf8')) ?? []
    return Number(soft) || USUAL
  } catch {
    return USUAL
  }
}

/** For the registry, HAProxy's sockets, etcd, callbacks, the command socket and files being written. */
const OWN_WORK = 256
/** A connection takes memory as well. */
const MOST = 262_144

/** How many of them clients may take. */
export const connectionsWithin = (descriptors: number): number =>
  Math.min(descriptors - Math.min(OWN_WORK, Math.ceil(descriptors / 2)), MOST)
