import { accessSync, constants } from 'node:fs'
import { join, resolve } from 'node:path'
import { readSecrets, type Secrets, type SecretSource, type SecretSources } from './access/credentials.ts'
import { envTable, type Mode } from './environment.ts'
import { KontrolError } from './errors.ts'
import { isPublishable, problemOfHost } from './model/host-address.ts'
import { isName } from './model/name.ts'
import type { EnvVar, LogLevel } from './platform/env-parsers.ts'
import { TemplateSource } from './render/template-source.ts'

/** Where a value came from, as `kontrol config` shows it. */
type Origin = 'environment' | 'kubernetes' | 'debug mode' | 'default'

type RawConfig = Values<typeof envTable>

export interface Config extends RawConfig {
  readonly isMaster: boolean
  readonly isSlave: boolean
  readonly dataFolder: string
  readonly payloadFile: string
  /** Labels `app` and `role`, known to be there and to be names. */
  readonly app: string
  readonly role: string
  /** As `mastersOf` reads them. */
  readonly masters: readonly string[]
  /** Whether there is something to drive: an HAProxy with a template, or another image's manifest. */
  readonly needsAutomaton: boolean
  /** Whether this process has nothing to do but to report a pod: no registry, no HAProxy, no manifest of its own. */
  readonly isSlaveAlone: boolean
  readonly secretSources: SecretSources
  /** As they were at the start: files may change. */
  readonly secrets: Secrets
}

/** What it takes to start HAProxy. */
export type HaproxyConfig = Pick<
  Config,
  'dataFolder' | 'haproxy' | 'supervisor' | 'reloadIntervalSeconds' | 'synGuard' | 'dryRun' | 'logLevel'
>

interface LoadedConfig {
  config: Config
  origins: Readonly<Record<keyof typeof envTable, Origin>>
}

interface ReadConfig extends LoadedConfig {
  /** One sentence each, naming the variables; what they concern has its default. */
  problems: string[]
}

const MASTER_ANNOTATION = 'kontrol.unity3d.com/master'
const ETCD_ANNOTATION = 'kontrol.unity3d.com/etcd'

/** What mode `debug` stands in for: a process that is its own master, without Kubernetes. */
const debugDefaults = (host = '127.0.0.1') => ({
  KONTROL_ID: 'local',
  KONTROL_IP: host,
  KONTROL_LABELS: '{"app":"test","role":"test"}',
  KONTROL_ANNOTATIONS: JSON.stringify({ [MASTER_ANNOTATION]: host })
})

/**
 * Reads the whole environment once.
 *
 * @param discovered what Kubernetes tells, by variable name; the environment wins
 * @throws KontrolError KTL_CONFIG_INVALID listing every problem at once
 */
export function loadConfig(env: NodeJS.ProcessEnv, discovered: Readonly<Record<string, string>> = {}): LoadedConfig {
  const { problems, ...loaded } = readConfig(env, discovered)
  if (problems.length > 0) throw invalidEnvironment(problems)
  return loaded
}

/** The same for who wants to see all of it, whatever is wrong. */
export function readConfig(env: NodeJS.ProcessEnv, discovered: Readonly<Record<string, string>> = {}): ReadConfig {
  const debug = /\bdebug\b/.test(env.KONTROL_MODE ?? '')
  const sources: EnvSource[] = [
    ['environment', env],
    ['kubernetes', discovered],
    ...(debug ? [['debug mode', debugDefaults(env.KONTROL_HOST || undefined)] as const] : [])
  ]
  const { values, origins, problems } = readEnvTable(envTable, sources)
  const modes = effectiveModes(values.modes)
  const secretSources = secretSourcesOf(env)
  const secrets = readSecrets(secretSources, problems)
  problems.push(...crossProblems(values, secrets))
  const etcd = etcdOf(values, problems)

  const dataFolder = values.dataFolder ?? defaultDataFolder()
  const isMaster = modes.includes('master')
  const needsAutomaton = drivesSomething(values, isMaster)
  const config: Config = Object.freeze({
    ...values,
    modes,
    etcd,
    secretSources,
    secrets,
    isMaster,
    isSlave: modes.includes('slave'),
    logLevel: logLevelOf(modes, values, origins),
    dataFolder,
    payloadFile: values.payloadFile ?? join(dataFolder, 'state.json'),
    app: String(values.labels.app),
    role: String(values.labels.role),
    masters: mastersOf(values.annotations),
    needsAutomaton,
    isSlaveAlone: !isMaster && !needsAutomaton
  })
  return { config, problems, origins: etcd === values.etcd ? origins : { ...origins, etcd: origins.annotations } }
}

/**
 * The part of the environment that starting HAProxy takes: none of it comes from Kubernetes, and a problem of another
 * variable keeps no HAProxy from serving. Undefined when it cannot be read which HAProxy is meant, or when it is known already
 * that there is nothing to drive.
 *
 * @param isComplete whether the environment is all that will be known of this process
 */
export function haproxyConfigOf(env: NodeJS.ProcessEnv, isComplete: boolean): HaproxyConfig | undefined {
  const { haproxy, supervisor, reloadIntervalSeconds, synGuard, dryRun, logLevel, dataFolder } = envTable
  const whose = readEnvTable({ haproxy, supervisor, dryRun, dataFolder }, [['environment', env]])
  if (whose.problems.length > 0 || (isComplete && drivesNothing(env))) return undefined
  // How it is driven, by default where that cannot be read: no reason to serve nobody.
  const how = readEnvTable({ reloadIntervalSeconds, synGuard, logLevel }, [['environment', env]])
  return { ...how.values, ...whose.values, dataFolder: whose.values.dataFolder ?? defaultDataFolder() }
}

function drivesNothing(env: NodeJS.ProcessEnv): boolean {
  try {
    return !loadConfig(env).config.needsAutomaton
  } catch {
    // What is wrong is told when it is read in earnest.
    return false
  }
}

/** A master without a template is a proxy whose template is missing, and says so, unless its work is a callback. */
function drivesSomething(values: RawConfig, isMaster: boolean): boolean {
  const { automaton, callback, lifecycleFile, configFile, annotations } = values
  if (!automaton) return false
  const ownManifest = lifecycleFile !== envTable.lifecycleFile.fallback
  const template = new TemplateSource({ file: configFile, annotations }).isConfigured()
  return ownManifest || template || (isMaster && callback === undefined)
}

/** Hosts of the annotation kontrol.unity3d.com/master. */
export function mastersOf(annotations: Readonly<Record<string, string>>): readonly string[] {
  return (annotations[MASTER_ANNOTATION] ?? '')
    .split(',')
    .map((master) => master.trim())
    .filter((master) => master !== '')
}

function effectiveModes(modes: readonly Mode[]): readonly Mode[] {
  return modes.includes('debug') ? [...new Set<Mode>([...modes, 'master', 'slave'])] : modes
}

/** Mode `verbose` means debug lines, unless a level was asked for. */
function logLevelOf(modes: readonly Mode[], values: RawConfig, origins: Record<string, Origin>): LogLevel {
  return modes.includes('verbose') && origins.logLevel === 'default' ? 'debug' : values.logLevel
}

/** Where the secrets stand. One that is set and empty counts as set: it must not open a door. */
export function secretSourcesOf(env: NodeJS.ProcessEnv): SecretSources {
  const source = (name: string): SecretSource => ({ name, inline: env[name], file: env[`${name}_FILE`] })
  return { operate: source('KONTROL_TOKEN'), ping: source('KONTROL_PING_TOKEN'), read: source('KONTROL_READ_TOKEN') }
}

/** What no variable can know of itself. */
function crossProblems(values: RawConfig, secrets: Secrets): string[] {
  const { labels, script, tlsCert, tlsKey, tlsClientCa } = values
  const problems = [...etcdProblems(values), ...addressProblems(values)]
  for (const label of ['app', 'role']) {
    const value = labels[label]
    if (value === undefined) problems.push(`KONTROL_LABELS must hold ${label}, got ${JSON.stringify(labels)}`)
    else if (!isName(value))
      problems.push(`KONTROL_LABELS must hold a plain name as ${label}, got ${JSON.stringify(value)}`)
  }
  if ((tlsCert === undefined) !== (tlsKey === undefined)) {
    problems.push('KONTROL_TLS_CERT and KONTROL_TLS_KEY must be set together')
  }
  if (tlsClientCa !== undefined && tlsCert === undefined) {
    problems.push('KONTROL_TLS_CLIENT_CA needs KONTROL_TLS_CERT and KONTROL_TLS_KEY')
  }
  if (script === 'shell' && secrets.operate.length === 0 && tlsClientCa === undefined) {
    problems.push('KONTROL_SCRIPT=shell needs KONTROL_TOKEN, KONTROL_TOKEN_FILE or KONTROL_TLS_CLIENT_CA')
  }
  return problems
}

/** KONTROL_ETCD, else the annotation kontrol.unity3d.com/etcd. */
function etcdOf({ etcd, annotations }: RawConfig, problems: string[]): readonly string[] {
  const annotated = annotations[ETCD_ANNOTATION]?.trim() ?? ''
  if (etcd.length > 0 || annotated === '') return etcd
  try {
    return envTable.etcd.parse(annotated)
  } catch (error) {
    problems.push(`The annotation ${ETCD_ANNOTATION} ${(error as Error).message}, got ${JSON.stringify(annotated)}`)
    return []
  }
}

/** What no master would take of this pod. */
function addressProblems({ ip, eip }: RawConfig): string[] {
  const problem = problemOfHost(ip)
  return [
    ...(problem === undefined ? [] : [`KONTROL_IP must be the address of a host, got "${ip}", which is ${problem}`]),
    ...(eip === undefined || isPublishable(eip)
      ? []
      : [`KONTROL_EIP must be a global or private address, got "${eip}"`])
  ]
}

function etcdProblems({ etcdUser, etcdPasswordFile, etcdCert, etcdKey }: RawConfig): string[] {
  const problems: string[] = []
  if ((etcdUser === undefined) !== (etcdPasswordFile === undefined)) {
    problems.push('KONTROL_ETCD_USER and KONTROL_ETCD_PASSWORD_FILE must be set together')
  }
  if ((etcdCert === undefined) !== (etcdKey === undefined)) {
    problems.push('KONTROL_ETCD_CERT and KONTROL_ETCD_KEY must be set together')
  }
  return problems
}

export function defaultDataFolder(): string {
  try {
    accessSync('/data', constants.W_OK)
    return '/data'
  } catch {
    return resolve('data')
  }
}

export function invalidEnvironment(
  problems: readonly string[],
  hint = 'Run "kontrol config" for every variable, its value and where it came from.'
): KontrolError {
  return new KontrolError('KTL_CONFIG_INVALID', `Invalid environment:\n  - ${problems.join('\n  - ')}`, { hint })
}

// The rows of a table have different types: `never` in, `unknown` out fits all of them.
type EnvTable = Record<string, Omit<EnvVar<unknown>, 'parse'> & { parse: (raw: string) => unknown }>

type Values<T extends EnvTable> = { readonly [K in keyof T]: ReturnType<T[K]['parse']> | T[K]['fallback'] }

interface ReadResult<T extends EnvTable> {
  values: Values<T>
  origins: Readonly<Record<keyof T, Origin>>
  /** One sentence each, naming the variable and the bad value. */
  problems: string[]
}

/** Strings by variable name, the first source that has one wins. */
type EnvSource = readonly [Origin, Readonly<Record<string, string | undefined>>]

/** Reads every variable of a table, and collects every problem. */
export function readEnvTable<T extends EnvTable>(table: T, sources: readonly EnvSource[]): ReadResult<T> {
  const problems: string[] = []
  const values: Record<string, unknown> = {}
  const origins: Record<string, Origin> = {}
  for (const [key, variable] of Object.entries(table)) {
    const found = sources.find(([, strings]) => (strings[variable.name] ?? '') !== '')
    const raw = found?.[1][variable.name] ?? ''
    origins[key] = found?.[0] ?? 'default'
    values[key] = variable.fallback
    if (raw === '') continue
    try {
      values[key] = variable.parse(raw)
    } catch (error) {
      problems.push(`${variable.name} ${(error as Error).message}, got ${shownRaw(variable, raw)}`)
    }
  }
  return { values: values as Values<T>, origins: origins as Record<keyof T, Origin>, problems }
}

const MAX_SHOWN = 120

/** A value as it stands in the environment, for people. */
export function shownRaw({ secret }: { secret?: true }, raw: string): string {
  if (secret === true) return '(secret, not shown)'
  return JSON.stringify(raw.length > MAX_SHOWN ? `${raw.slice(0, MAX_SHOWN)}…` : raw)
}
