import { isIPv4 } from 'node:net'
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
