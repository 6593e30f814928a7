import { existsSync } from 'node:fs'
import { join } from 'node:path'

/** The variables that a source of metadata can fill in; what the environment sets itself wins over them. */
type MetadataName =
  | 'NAMESPACE'
  | 'KONTROL_ID'
  | 'KONTROL_IP'
  | 'KONTROL_HOST'
  | 'KONTROL_EIP'
  | 'KONTROL_LABELS'
  | 'KONTROL_ANNOTATIONS'
  | 'KONTROL_NODE_LABELS'
  | 'KONTROL_NODE_ANNOTATIONS'

/** Values as the environment would hold them: labels and annotations are JSON text. */
export type Metadata = Partial<Record<MetadataName, string>>

export type AnnotationListener = (annotations: Record<string, string>) => void

/** Where a pod learns who it is. */
export interface MetadataSource {
  /** Asks once, patiently. Throws a KontrolError when no answer can come. */
  discover(signal?: AbortSignal): Promise<Metadata>
  /** Tells of each edit of the pod's annotations until the result is called. */
  watch(listener: AnnotationListener): () => void
}

export interface MetadataPaths {
  /** Where Kubernetes mounts `token`, `ca.crt` and `namespace`. */
  serviceAccount: string
  /** Where the pod's manifest mounts a downward-API volume with `labels` and `annotations`. */
  downward: string
}

export const metadataPaths: MetadataPaths = {
  serviceAccount: '/var/run/secrets/kubernetes.io/serviceaccount',
  downward: '/etc/podinfo'
}

export type MetadataSourceKind = 'none' | 'downward-files' | 'api'

/**
 * Which source this process has.
 *
 * Downward-API files come first: who mounts them wants no access to the API.
 * Debug mode asks nobody, as the original's did not.
 */
export function detectMetadataSource(env: NodeJS.ProcessEnv, paths: MetadataPaths = metadataPaths): MetadataSourceKind {
  if ((env.KONTROL_MODE ?? '').split(',').some((mode) => mode.trim() === 'debug')) return 'none'
  if (existsSync(join(paths.downward, 'labels')) || existsSync(join(paths.downward, 'annotations')))
    return 'downward-files'
  const inCluster = env.KUBERNETES_SERVICE_HOST !== undefined && env.KUBERNETES_SERVICE_HOST !== ''
  return inCluster && existsSync(join(paths.serviceAccount, 'token')) ? 'api' : 'none'
}
