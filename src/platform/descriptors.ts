import { readFileSync } from 'node:fs'
import { KontrolError } from '../errors.ts'

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

/** Its modules alone are some hundred files, of which Node opens as many at once as it likes. */
const LEAST = 512

/** @throws KontrolError KTL_CONFIG_INVALID where a control tier could not even be loaded */
export function refuseFewDescriptors(limit = descriptorLimit()): void {
  if (limit >= LEAST) return
  throw new KontrolError(
    'KTL_CONFIG_INVALID',
    `${limit} open files are too few for a control tier, which needs ${LEAST}`,
    {
      hint: 'Raise the hard limit: ulimit -Hn, LimitNOFILE= of systemd, minfds of supervisord, the default-ulimits of the container engine.'
    }
  )
}

/** For the registry, HAProxy's sockets, etcd, callbacks, the command socket and files being written. */
const OWN_WORK = 256
/** A connection takes memory as well. */
const MOST = 262_144

/** How many of them clients may take. */
export const connectionsWithin = (descriptors: number): number =>
  Math.min(descriptors - Math.min(OWN_WORK, Math.ceil(descriptors / 2)), MOST)
