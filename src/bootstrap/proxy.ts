import { join } from 'node:path'
import { ownAddresses } from './own-addresses.ts'
import type { ManifestFacts } from '../access/command-rules.ts'
import type { TemplateSource } from '../render/template-source.ts'
import { createHaproxy, type Haproxy } from './haproxy.ts'
import type { HaproxyDriver } from '../haproxy/driver.ts'
import { canonicalAddress, OwnServers } from '../haproxy/config/own-servers.ts'
import type { Problem } from '../errors.ts'
import { memoryFor, TemplateProcess } from '../render/template-process.ts'
import type { Action } from '../lifecycle/step-runner.ts'
import type { RenderRequests } from '../controller/controller.ts'
import { Automaton } from '../lifecycle/automaton.ts'
import { CommandSocket } from '../lifecycle/command-socket.ts'
import { builtInActions, readManifest, runsAction } from '../lifecycle/manifest/manifest.ts'
import { factsOf } from '../lifecycle/manifest/reachable-states.ts'
import type { Config } from '../config.ts'
import type { LivePods } from '../model/snapshot.ts'
import type { Clock } from '../platform/clock.ts'
import type { Logger } from '../platform/logger.ts'
import { configureStep } from '../steps/configure.ts'
import { type ExposeDeps, exposeViaRoute53Step } from '../steps/expose-via-route53.ts'
import { ExternalAddress } from '../steps/external-address.ts'
import { HistoryFile } from '../steps/history-file.ts'
import { ReconfigurationLog } from '../steps/reconfiguration-log.ts'
import { renderStep } from '../steps/render.ts'
import { HostsFile } from '../render/hosts-file.ts'
import { RegistryHosts } from '../render/hosts-source.ts'
import { FaultyPods } from '../render/pods/faulty-pods.ts'
import { LeftOutPods } from '../render/pods/left-out-pods.ts'
import { LoopGuard } from '../render/pods/loop-guard.ts'
import { nearTemplate } from '../render/near-template.ts'
import { Renderer, visibleEnvironment } from '../render/renderer.ts'
import { restartStep } from '../steps/restart.ts'
import { setupStep } from '../steps/setup.ts'
import { type ShutdownDeps, shutdownStep } from '../steps/shutdown.ts'
import { Traffic } from '../telemetry/traffic.ts'
import { haproxyPaths } from '../haproxy/files/paths.ts'
import { exchange } from '../haproxy/socket/exchange.ts'

type BuiltInAction = (typeof builtInActions)[number]

export interface ProxyDeps {
  config: Config
  clock: Clock
  logger: Logger
  env: NodeJS.ProcessEnv
  children: NodeJS.ProcessEnv
  templates: TemplateSource
  /** The one that serves already; made here when absent. */
  haproxy?: Haproxy | undefined
  /** Absent in a proxy that some other master commands. */
  registry: LivePods | undefined
  dns: ExposeDeps
  prepareStatistics: () => Promise<void>
  leave: ShutdownDeps['leave']
}

/** The automaton with its socket, and the HAProxy that its steps drive. */
export interface Proxy {
  automaton: Automaton
  socket: CommandSocket
  driver: HaproxyDriver
  reconfigurations: ReconfigurationLog
  /** What goes through HAProxy. */
  traffic: Traffic
  /** Whether the manifest has steps that drive HAProxy. */
  drivesHaproxy: boolean
  /** Tells what went wrong behind a change that was live already. */
  subscribeAlarms: (listener: (problem: Problem) => void) => void
  /** The pods that the configuration is without. */
  leftOut: Pick<LeftOutPods, 'count'>
  history: Pick<HistoryFile, 'close'>
  /** What renders templates; to be closed. */
  renderings: Pick<TemplateProcess, 'close'>
  /** As the controller asks for a rendering. */
  requests: RenderRequests
  /** What is to be known of its manifest to say who may command it. */
  facts: ManifestFacts
}

/** @throws KontrolError KTL_MANIFEST_INVALID, KTL_CONFIG_INVALID */
export async function createProxy(deps: ProxyDeps): Promise<Proxy> {
  const { config, clock, logger, children } = deps
  const { driver, alarms } = deps.haproxy ?? createHaproxy(deps)
  const history = new HistoryFile(join(config.dataFolder, 'history.jsonl'), logger)
  const reconfigurations = new ReconfigurationLog({ clock, logger, former: history.read() })
  reconfigurations.subscribe((entry) => history.append(entry))
  const onAlarm = (problem: Problem): void => alarms.emit(problem)
  const leftOut = new LeftOutPods({ logger, onAlarm })
  const renderings = new TemplateProcess({ clock, logger, memoryMb: memoryFor(config.payloadBytes) })
  const { manifest, warnings } = await readManifest(config.lifecycleFile, builtInActions)
  const drivesHaproxy = runsAction(manifest, 'configure')
  const parts = { leftOut, renderings, onAlarm, drivesHaproxy }
  const actions = createSteps(deps, driver, reconfigurations, parts)
  for (const warning of warnings) logger.warn({ file: config.lifecycleFile, warning }, 'lifecycle manifest')
  const automaton = new Automaton({
    manifest,
    actions,
    socketPath: config.socket,
    logger,
    clock,
    env: children,
    shell: config.shell
  })
  const facts = factsOf(manifest)
  return {
    automaton,
    socket: new CommandSocket({ path: config.socket, machine: automaton, facts, logger }),
    driver,
    reconfigurations,
    traffic: new Traffic({ ask: (command) => exchange(haproxyPaths(config.dataFolder).runtimeSocket, command), clock }),
    subscribeAlarms: (listener) => alarms.subscribe(listener),
    leftOut,
    history,
    renderings,
    facts,
    drivesHaproxy,
    requests: {
      goto: (tag, input, options) => automaton.goto(tag, input, options),
      ending: () => automaton.ending,
      hostsAsInput: !runsAction(manifest, 'render', 'render')
    }
  }
}

interface RenderingParts {
  leftOut: LeftOutPods
  renderings: TemplateProcess
  onAlarm: (problem: Problem) => void
  drivesHaproxy: boolean
}

function createSteps(
  deps: ProxyDeps,
  driver: HaproxyDriver,
  log: ReconfigurationLog,
  { leftOut, renderings, onAlarm, drivesHaproxy }: RenderingParts
): Record<BuiltInAction, Action> {
  const { config, templates, registry, dns, prepareStatistics, leave } = deps
  const hosts =
    registry === undefined
      ? new HostsFile(join(config.dataFolder, 'hosts.json'), deps.logger)
      : new RegistryHosts(registry, config.app)
  const ownServers = new OwnServers(config.port)
  const guard = new LoopGuard({
    makeRenderer: (known) =>
      new Renderer({
        source: () => templates.read(),
        compile: (source) => nearTemplate(source, renderings.templateOf(source)),
        known,
        constants: { namespace: config.namespace, labels: config.labels, env: visibleEnvironment(deps.env) }
      }),
    known: hosts,
    ownServers: (text) => ownServers.of(text, ownAddresses(config, registry)),
    canonical: canonicalAddress,
    logger: deps.logger,
    onAlarm
  })
  const texts = new FaultyPods({
    guarded: guard,
    clock: deps.clock,
    template: () => templates.read(),
    known: hosts,
    onRendered: ({ leftOut: pods, loops }) => {
      leftOut.update(pods)
      guard.tell(loops)
    },
    onFailure: () => driver.withdraw()
  })
  const { eip, payloadFile } = config
  const external = new ExternalAddress({ eip, payloadFile, logger: deps.logger })
  return {
    setup: setupStep({ driver, external, othersConfigure: !drivesHaproxy, prepareStatistics }),
    render: renderStep({ texts, log }),
    configure: external.after(configureStep({ driver, texts, log, hosts }), ['unchanged', 'applied']),
    restart: external.after(restartStep({ driver, log }), ['done']),
    'expose-via-route53': exposeViaRoute53Step(dns),
    shutdown: shutdownStep({ leave, driver })
  }
}
