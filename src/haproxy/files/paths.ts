import { basename, join } from 'node:path'
import { KontrolError } from '../../errors.ts'

/** Every file HAProxy and we share, all in one folder. */
export interface HaproxyPaths {
  folder: string
  /** Ours: sockets, time-outs, what keeps reloads seamless. */
  base: string
  /** Ours too, loaded last: the peers of a reload. */
  peers: string
  /** The operator's, as HAProxy loads it. */
  config: string
  /** The operator's, not yet proven. */
  candidate: string
  /** Ours that goes with it. */
  candidateBase: string
  /** The operator's that last served. */
  lastGood: string
  /** What a restarted control tier must know: see worker-record.ts. */
  workerRecord: string
  /** The operator's that the present worker loaded; it may have been changed since. */
  loaded: string
  /** What was changed since, see change-journal.ts. */
  journal: string
  /** Health of the servers, handed from worker to worker. */
  serverState: string
  masterSocket: string
  runtimeSocket: string
  /** Where a reload hands the stick tables to the new worker. */
  peersSocket: string
  log: string
}

/** What a master is started with for its socket: it is told from others by this word. */
export const masterSocketArgument = ({ masterSocket }: Pick<HaproxyPaths, 'masterSocket'>): string =>
  `${masterSocket},mode,600,level,admin`

/** The same sockets in other words, by which HAProxy does not take them for those of its former worker. */
export const renamedSockets = ({ folder, ...paths }: HaproxyPaths): HaproxyPaths => ({
  ...paths,
  folder,
  runtimeSocket: `${folder}//${basename(paths.runtimeSocket)}`,
  peersSocket: `${folder}//${basename(paths.peersSocket)}`
})

/** How HAProxy is told what to load. */
export const fileArguments = ({ base, peers }: Pick<HaproxyPaths, 'base' | 'peers'>, config: string): string[] =>
  [base, config, peers].flatMap((path) => ['-f', path])

/** `sun_path` holds 108 bytes with its final NUL, and HAProxy binds under a temporary name: `<path>.<pid>.tmp`. */
const MAX_SOCKET_BYTES = 107 - '.4194304.tmp'.length

/**
 * @param dataFolder absolute path of `KONTROL_DATA`
 * @throws KontrolError KTL_CONFIG_INVALID when the unix sockets in it would have too long a path
 */
export function haproxyPaths(dataFolder: string): HaproxyPaths {
  const folder = join(dataFolder, 'haproxy')
  const paths = {
    folder,
    base: join(folder, 'base.cfg'),
    peers: join(folder, 'peers.cfg'),
    config: join(folder, 'haproxy.cfg'),
    candidate: join(folder, 'candidate.cfg'),
    candidateBase: join(folder, 'candidate-base.cfg'),
    lastGood: join(folder, 'last-good.cfg'),
    workerRecord: join(folder, 'applied.json'),
    loaded: join(folder, 'loaded.cfg'),
    journal: join(folder, 'changes.jsonl'),
    serverState: join(folder, 'server-state'),
    masterSocket: join(folder, 'master.sock'),
    runtimeSocket: join(folder, 'admin.sock'),
    peersSocket: join(folder, 'peers.sock'),
    log: join(folder, 'haproxy.log')
  }
  const longest = Buffer.byteLength(paths.masterSocket)
  if (longest > MAX_SOCKET_BYTES) {
    throw new KontrolError(
      'KTL_CONFIG_INVALID',
      `The data folder ${dataFolder} is too deep: ${paths.masterSocket} has ${longest} bytes, a unix socket here may have ${MAX_SOCKET_BYTES}`,
      { hint: 'Set KONTROL_DATA to a shorter path.' }
    )
  }
  return paths
}
