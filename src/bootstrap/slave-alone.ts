import { createAccess, createCredentials } from './access.ts'
import { createDns, createKeepaliveLoop, createPort, replaceAnnotations } from './edges.ts'
import { startService, type Service, type ServiceDeps } from './service.ts'
import type { ProgramEvent } from '../http/event-history.ts'
import { listen } from '../http/server.ts'
import { Listeners } from '../platform/listeners.ts'
import { SocketSink } from '../slave/script/socket-sink.ts'
import { leaveForGood } from '../steps/leave.ts'
import { Metrics } from '../telemetry/metrics.ts'

/**
 * A process that reports a pod and does nothing else. It runs beside every pod
 * of a fleet: what only a control tier needs must not be imported from here.
 */
export async function startSlaveAlone(deps: ServiceDeps): Promise<Service> {
  const { config, logger } = deps
  return await startService(deps, async (closers) => {
    const credentials = createCredentials(config, logger)
    const access = createAccess({ config, credentials, registry: undefined, manifest: undefined })
    const slave = createKeepaliveLoop(deps, credentials)
    // It does not know the other proxies: it writes what a master commands, and nothing by itself.
    const dns = createDns(deps, { isLeader: () => true })
    const events = new Listeners<ProgramEvent>('events', logger)
    const problems = () => []
    const metrics = new Metrics({
      pods: () => ({ live: 0, held: 0 }),
      atRest: () => true,
      problems: () => 0,
      unusableBackends: () => 0,
      skippedValues: () => 0,
      leftOutPods: () => 0
    })
    metrics.watchParts({ masters: slave && (() => slave.status()) })
    const commands = new SocketSink(config.socket)
    const app = await createPort({ ...deps, access, keepalives: undefined, commands, dns, events, metrics, problems })

    closers.add('credentials', credentials.watch())
    closers.add('control tier', () => app.close())
    const { port } = await listen(app, config.port)
    logger.info({ port, app: config.app, id: config.id, modes: config.modes }, 'control tier open')
    closers.add('dns', () => dns.stop())
    slave?.start()
    return {
      port,
      replaceAnnotations: (annotations) => replaceAnnotations({ dns, slave }, annotations, logger),
      leave: async ({ forGood }) => {
        const sayGoodbye = async () => slave?.leave()
        const isExposed = config.eip !== undefined
        const leaving = { sayGoodbye, dns, isExposed, others: () => [], logger }
        if (forGood) await leaveForGood(leaving, new AbortController().signal)
        await slave?.leave()
      }
    }
  })
}
