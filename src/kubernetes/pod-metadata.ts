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

/** @throws KontrolError KTL_KUBERNETES_UNAVAILABLE for what is no pod, whoever stands between us and the API server */
export function parsePodObject(answer: unknown): PodObject {
  const { metadata, spec, status } = membersOf(answer)
  const named = membersOf(metadata)
  const { nodeName } = membersOf(spec)
  const { podIP, hostIP } = membersOf(status)
  const texts = [named.resourceVersion, nodeName, podIP, hostIP]
  if (typeof named.name !== 'string' || !texts.every(isTextOrAbsent) || !hasStringMaps(named)) throw unknownForm('pod')
  return answer as PodObject
}

/** @throws KontrolError KTL_KUBERNETES_UNAVAILABLE for what is no node */
export function parseNodeObject(answer: unknown): NodeObject {
  const { metadata, status } = membersOf(answer)
  const { addresses = [] } = membersOf(status)
  const listed = Array.isArray(addresses) && addresses.every((entry) => typeof membersOf(entry).address === 'string')
  if (typeof metadata !== 'object' || metadata === null || !listed || !hasStringMaps(membersOf(metadata))) {
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
