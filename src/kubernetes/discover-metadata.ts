import { detectMetadataSource, type AnnotationListener, type MetadataSource } from './metadata-source.ts'
import { systemClock } from '../platform/clock.ts'

export interface DiscoveredMetadata {
  /** By name of the variable that each stands in for. */
  variables: Readonly<Record<string, string>>
  /** Tells of edited annotations; the result ends it. */
  watch(listener: AnnotationListener): () => void
}

/** What Kubernetes tells of this pod, or nothing outside of it. */
export async function discoverMetadata(
  env: NodeJS.ProcessEnv,
  signal: AbortSignal,
  log: NodeJS.WriteStream & { fd: number } = process.stdout
): Promise<DiscoveredMetadata> {
  const source = await createSource(env, log)
  if (source === undefined) return { variables: {}, watch: () => () => {} }
  const variables = await source.discover(signal)
  return {
    variables: variables,
    // What the environment sets itself wins, also over later edits.
    watch: (listener) => (env.KONTROL_ANNOTATIONS === undefined ? source.watch(listener) : () => {})
  }
}

/** Imported when needed: outside of Kubernetes none of it is loaded. */
async function createSource(
  env: NodeJS.ProcessEnv,
  log: NodeJS.WriteStream & { fd: number }
): Promise<MetadataSource | undefined> {
  const kind = detectMetadataSource(env)
  if (kind === 'none') return undefined
  // The level of the configuration is not known yet: it may be set there.
  const logger = await (await import('../platform/logger.ts')).createLogger('info', log)
  switch (kind) {
    case 'downward-files':
      return new (await import('./downward-files.ts')).DownwardFiles({ clock: systemClock, logger })
    case 'api':
      return new (await import('./kubernetes-metadata.ts')).KubernetesMetadata({ env, logger })
  }
}
