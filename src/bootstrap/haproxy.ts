import { existsSync } from 'node:fs'
import type { HaproxyConfig } from '../config.ts'
import type { Problem } from '../errors.ts'
import { HaproxyDriver } from '../haproxy/driver.ts'
import { hadServers } from '../haproxy/files/had-servers.ts'
import { haproxyPaths } from '../haproxy/files/paths.ts'
import { ChildSupervisor } from '../haproxy/supervisor/child.ts'
import { SupervisordSupervisor } from '../haproxy/supervisor/supervisord.ts'
import type { Supervisor } from '../haproxy/supervisor/supervisor.ts'
import { IptablesSynGuard } from '../haproxy/process/syn-guard.ts'
import type { Clock } from '../platform/clock.ts'
import { Listeners } from '../platform/listeners.ts'
import type { Logger } from '../platform/logger.ts'
import { noLongerThan } from '../platform/patience.ts'
import { SupervisordClient } from '../platform/process/supervisord-client.ts'
import { checkStateFiles } from './state-files.ts'

export interface HaproxyDeps {
  config: HaproxyConfig
  env: NodeJS.ProcessEnv
  clock: Clock
  logger: Logger
}

/** The HAProxy of this process. */
export interface Haproxy {
  driver: HaproxyDriver
  /** What went wrong behind a change that was live already. */
  alarms: Listeners<Problem>
}

/** One that was started before anything else. */
export interface EarlyHaproxy extends Haproxy {
  /** Whether an earlier run left it with servers, as the files said before it was started. */
  hadServers: boolean
}

/** @throws KontrolError KTL_CONFIG_INVALID when the data folder is too deep for unix sockets */
export function createHaproxy(deps: HaproxyDeps): Haproxy {
  const { config, clock, logger } = deps
  const alarms = new Listeners<Problem>('alarm', logger)
  const driver = new HaproxyDriver({
    onAlarm: (problem) => alarms.emit(problem),
    dataFolder: config.dataFolder,
    binary: config.haproxy,
    supervisor: createSupervisor(deps),
    clock,
    logger,
    reloadIntervalMs: config.reloadIntervalSeconds * 1000,
    dryRun: config.dryRun,
    ...(config.synGuard && { synGuard: new IptablesSynGuard({ logger }) })
  })
  return { driver, alarms }
}

/** What comes after waits no longer: HAProxy may need a minute to say that it cannot bind an address. */
const FIRST_MS = 5_000

/**
 * Starts HAProxy with what an earlier run left for it, before anybody is asked for anything: clients wait for no
 * registry, no etcd and no Kubernetes. Undefined where there is nothing to serve.
 */
export async function startHaproxyFirst(deps: HaproxyDeps): Promise<EarlyHaproxy | undefined> {
  const paths = haproxyPaths(deps.config.dataFolder)
  await checkStateFiles(deps.config.dataFolder, deps.logger)
  if (![paths.lastGood, paths.config, paths.loaded].some((path) => existsSync(path))) return undefined
  const had = await hadServers(paths)
  const haproxy = createHaproxy(deps)
  const started = haproxy.driver.start().catch((err: unknown) => {
    deps.logger.error({ err }, 'haproxy not started ahead of the control tier')
  })
  await noLongerThan(FIRST_MS, started)
  return { ...haproxy, hadServers: had }
}

function createSupervisor({ config, env, clock, logger }: HaproxyDeps): Supervisor {
  if (config.supervisor === 'child') return new ChildSupervisor({ clock, logger })
  const client = new SupervisordClient(env.SUPERVISOR_SERVER_URL ?? '')
  return new SupervisordSupervisor({ client, clock, logger })
}
