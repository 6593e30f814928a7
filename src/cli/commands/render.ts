import { envTable } from '../../environment.ts'
import { checkOffline } from '../../haproxy/config/check.ts'
import { asWritten } from '../../haproxy/files/as-loaded.ts'
import { asFile } from '../../haproxy/files/config-file.ts'
import { haproxyPaths } from '../../haproxy/files/paths.ts'
import { compileTemplate, type LeftOutPod } from '../../render/template.ts'
import { textDiff } from '../../haproxy/config/text-changes.ts'
import { defaultDataFolder, readEnvTable } from '../../config.ts'
import { parseHosts } from '../../model/json/hosts.ts'
import type { Pod } from '../../model/pod.ts'
import { parsePods } from '../../model/json/pods.ts'
import type { Hosts } from '../../model/snapshot.ts'
import { systemClock } from '../../platform/clock.ts'
import { FaultyPods, type FaultyPodsOptions } from '../../render/pods/faulty-pods.ts'
import { leftOutProblem } from '../../render/pods/left-out-pods.ts'
import { Renderer, visibleEnvironment, type RendererDeps } from '../../render/renderer.ts'
import { refuseLargeText } from '../../render/text-limits.ts'
import { defineCommand, usageError, type CliContext } from '../command.ts'
import { ControlTier } from '../control-tier.ts'
import { readArgument } from '../named-file.ts'
import { withProgress } from '../output/progress.ts'

export const render = defineCommand({
  summary: 'Render a template without a cluster',
  usage:
    '[--template <file>] [--hosts <file>] [--pods <file>] [--from <url>] [--labels <json>] [--env <json>] [--check] [--diff]',
  options: {
    template: { type: 'string' },
    hosts: { type: 'string' },
    pods: { type: 'string' },
    from: { type: 'string' },
    labels: { type: 'string' },
    env: { type: 'string' },
    check: { type: 'boolean', default: false },
    diff: { type: 'boolean', default: false }
  },
  optionDocs: {
    template: 'The template; KONTROL_CONFIG_FILE when left out',
    hosts: 'JSON of app to list of addresses, as "kontrol hosts --json" prints it; none when left out',
    pods: 'JSON list of pods, as "kontrol pods --json" prints it; their addresses are the hosts when --hosts is left out',
    from: 'URL of a control tier whose live hosts and pods are taken',
    labels: 'Labels of the proxy, {"name": "value"}; KONTROL_LABELS when left out',
    env: 'Environment, {"name": "value"}; KONTROL_* and NAMESPACE of this shell when left out',
    check: 'Let HAProxy check what comes out',
    diff: 'Print what would change in $KONTROL_DATA/haproxy/haproxy.cfg instead of the configuration'
  },
  async run({ values }, context) {
    const { env, stdout, stderr } = context
    const { configFile, dataFolder, haproxy, namespace, labels } = readEnvTable(envTable, [['environment', env]]).values
    const file = values.template ?? configFile
    if (file === undefined) throw usageError('render needs a template', 'Name it with --template <file>.')
    const template = await readArgument(file)
    const ofProxy = readTexts('--labels', values.labels, labels)
    let leftOut: readonly LeftOutPod[] = []
    let advice: readonly string[] = []
    const renderer = offlineRenderer(template, {
      known: await fleetOf(values, { context, ownApp: ofProxy.app }),
      constants: { namespace, labels: ofProxy, env: readTexts('--env', values.env, visibleEnvironment(env)) },
      onRendered: (made) => (leftOut = made.leftOut)
    })
    const rendered = await renderer.render('')
    const judge = async (tried: string): Promise<void> => {
      advice = await checkOffline(asFile(tried), haproxy)
    }
    const accepted = values.check
      ? await withProgress(context, () => 'Checking,', renderer.acceptable(rendered, judge))
      : undefined
    const text = asFile(accepted ?? rendered)
    for (const pod of leftOut) stderr(`warning: ${leftOutProblem(pod).message}`)
    for (const sentence of advice) stderr(`warning: ${sentence}`)
    if (values.diff) stdout(await textDiff(await readRunning(dataFolder ?? defaultDataFolder()), text))
    else stdout(text.slice(0, -1))
  }
})

/** Renders as the service does, but for what only its machine could tell: on which addresses HAProxy listens. */
function offlineRenderer(
  template: string,
  {
    known,
    constants,
    onRendered
  }: { known: Fleet; constants: RendererDeps['constants']; onRendered: FaultyPodsOptions['onRendered'] }
): FaultyPods {
  const source = (): string => template
  const sources = { hosts: () => known.hosts, pods: () => known.pods }
  const renderer = new Renderer({ source, compile: compileTemplate, known: sources, constants })
  return new FaultyPods({
    guarded: {
      async render(input, without) {
        const rendered = await renderer.render(input, without)
        refuseLargeText(rendered.text)
        return { ...rendered, loops: [] }
      }
    },
    template: source,
    known: sources,
    clock: systemClock,
    onRendered
  })
}

interface FleetOptions {
  hosts?: string | undefined
  pods?: string | undefined
  from?: string | undefined
}

interface Fleet {
  hosts: Hosts
  pods: ReadonlyMap<string, readonly Pod[]>
}

async function fleetOf(
  { hosts, pods, from }: FleetOptions,
  { context, ownApp }: { context: CliContext; ownApp: string | undefined }
): Promise<Fleet> {
  if (from !== undefined) {
    if (hosts !== undefined || pods !== undefined)
      throw usageError('--from brings hosts and pods', 'Leave out the files.')
    return await liveFleet(new ControlTier(from, context))
  }
  const all = pods === undefined ? new Map<string, Pod[]>() : parsePods(await readArgument(pods))
  // The proxies are no backend of themselves.
  const known = new Map([...all].filter(([app]) => app !== ownApp))
  if (hosts !== undefined) return { hosts: readHosts(await readArgument(hosts)), pods: known }
  return { hosts: new Map(Array.from(known, ([app, list]) => [app, list.map(({ ip }) => ip)])), pods: known }
}

/** Without the proxies themselves, as the control tier renders. */
async function liveFleet(tier: ControlTier): Promise<Fleet> {
  const hosts = readHosts(await tier.text('GET', '/api/v1/hosts'))
  const pods = parsePods(await tier.text('GET', '/api/v1/pods'))
  return { hosts, pods: new Map([...pods].filter(([app]) => hosts.has(app))) }
}

function readTexts(
  option: string,
  json: string | undefined,
  otherwise: Readonly<Record<string, string>>
): Readonly<Record<string, string>> {
  if (json === undefined) return otherwise
  try {
    const value: unknown = JSON.parse(json)
    if (typeof value === 'object' && value !== null && Object.values(value).every((text) => typeof text === 'string')) {
      return value as Record<string, string>
    }
  } catch {
    // Said below, in the words of the option.
  }
  throw usageError(`${option} must be a JSON object of texts`, `Try: ${option} '{"name": "value"}'`)
}

/** The hosts alone, or the answer of the control tier around them. */
function readHosts(json: string): Hosts {
  const whole = /^\s*\{\s*"digest"\s*:/.test(json) ? (JSON.parse(json) as { hosts?: unknown }).hosts : undefined
  return parseHosts(whole === undefined ? json : JSON.stringify(whole))
}

async function readRunning(dataFolder: string): Promise<string> {
  return asWritten(await readArgument(haproxyPaths(dataFolder).config))
}
