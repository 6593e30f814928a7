import { isIPv4 } from 'node:net'
import { KontrolError } from '../errors.ts'
import type { Metadata } from './metadata-source.ts'

/** What we read of a pod. @see https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/ */
export interface PodObject {
  metadata: {
    name: string
    resourceVersion?: string
    labels?: Record<string, string>
    annotations?: Record<string, string>
  }
  spec?: { nodeName?: string }
  status?: { podIP?: string; hostIP?: string }
}

/** What we read of a node. @see https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/node-v1/ */
export interface NodeObject {
  metadata: { labels?: Record<string, string>; annotations?: Record<string, string> }
  status?: { addresses?: { type: string; address: string }[] }
}

/**
 * @param podName the only one that it may be
 * @throws KontrolError KTL_KUBERNETES_UNAVAILABLE for what is no pod, whoever stands between us and the API server
 */
export function parsePodObject(answer: unknown, podName?: string): PodObject {
  const { kind = 'Pod', metadata, spec, status } = membersOf(answer)
  const named = membersOf(metadata)
  const { nodeName } = membersOf(spec)
  const { podIP, hostIP } = membersOf(status)
  const texts = [named.resourceVersion, nodeName, podIP, hostIP]
  const isNamed = typeof named.name === 'string' && named.name === (podName ?? named.name)
  if (kind !== 'Pod' || !isNamed || !texts.every(isTextOrAbsent) || !hasStringMaps(named)) throw unknownForm('pod')
  return answer as PodObject
}

/** One line of a watch: what a pod became, a version without more (a bookmark), or why the watch ends. */
export interface PodEvent {
  resourceVersion?: string | undefined
  pod?: PodObject | undefined
  refusal?: { code: unknown; message: string }
}

const MESSAGE_LENGTH = 300

/** @throws KontrolError KTL_KUBERNETES_UNAVAILABLE for what is no event of this pod */
export function parsePodEvent(line: string, podName: string): PodEvent {
  const { type, object } = membersOf(jsonOf(line))
  const { code, message, metadata } = membersOf(object)
  if (type === 'ERROR') {
    return {
      refusal: { code, message: typeof message === 'string' ? message.slice(0, MESSAGE_LENGTH) : 'no reason given' }
    }
  }
  const { resourceVersion } = membersOf(metadata)
  if (typeof type !== 'string' || !isTextOrAbsent(resourceVersion)) throw unknownForm('watch')
  const isTold = type === 'ADDED' || type === 'MODIFIED'
  return {
    resourceVersion: resourceVersion as string | undefined,
    pod: isTold ? parsePodObject(object, podName) : undefined
  }
}

function jsonOf(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    throw unknownForm('watch')
  }
}

/** @throws KontrolError KTL_KUBERNETES_UNAVAILABLE for what is no node */
export function parseNodeObject(answer: unknown): NodeObject {
  const { kind = 'Node', metadata, status } = membersOf(answer)
  const { addresses = [] } = membersOf(status)
  const listed = Array.isArray(addresses) && addresses.every((entry) => typeof membersOf(entry).address === 'string')
  const isNode = kind === 'Node' && typeof metadata === 'object' && metadata !== null
  if (!isNode || !listed || !hasStringMaps(membersOf(metadata))) {
    throw unknownForm('node')
  }
  return answer as NodeObject
}

const membersOf = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}

const isTextOrAbsent = (value: unknown): boolean => value === undefined || typeof value === 'string'

function hasStringMaps({ labels = {}, annotations = {} }: Record<string, unknown>): boolean {
  return [labels, annotations].every(
    (map) =>
      typeof map === 'object' &&
      map !== null &&
      !Array.isArray(map) &&
      Object.values(map).every((text) => typeof text === 'string')
  )
}

function unknownForm(what: string): KontrolError {
  return new KontrolError('KTL_KUBERNETES_UNAVAILABLE', `The Kubernetes API answered a ${what} in an unknown form`, {
    hint: 'Look at what stands between this pod and the API server.'
  })
}

export function podMetadata({ metadata, status }: PodObject): Metadata {
  return {
    KONTROL_ID: metadata.name,
    ...(status?.podIP ? { KONTROL_IP: status.podIP } : {}),
    ...(status?.hostIP ? { KONTROL_HOST: status.hostIP } : {}),
    KONTROL_LABELS: JSON.stringify(metadata.labels ?? {}),
    KONTROL_ANNOTATIONS: JSON.stringify(metadata.annotations ?? {})
  }
}

export function nodeMetadata(node: NodeObject): Metadata {
  const externalIp = findExternalIp(node)
  return {
    ...(externalIp === undefined ? {} : { KONTROL_EIP: externalIp }),
    KONTROL_NODE_LABELS: JSON.stringify(node.metadata.labels ?? {}),
    KONTROL_NODE_ANNOTATIONS: JSON.stringify(node.metadata.annotations ?? {})
  }
}

/** A dual-stack node lists one address per family: A records want the IPv4 one. */
function findExternalIp({ status }: NodeObject): string | undefined {
  const external = (status?.addresses ?? []).filter(({ type }) => type === 'ExternalIP').map(({ address }) => address)
  return external.find((address) => isIPv4(address)) ?? external[0]
}
