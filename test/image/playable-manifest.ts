import { readFileSync } from 'node:fs'
import { parseAllDocuments, stringify } from 'yaml'
import { IMAGE } from './build-image.ts'

interface Deployment {
  kind: string
  metadata: { name: string; namespace?: string }
  spec: {
    replicas: number
    template: {
      metadata: { labels: Record<string, string>; annotations: Record<string, string> }
      spec: Record<string, unknown> & { containers: Record<string, unknown>[] }
    }
  }
}

const manifest = new URL('../../docker/kubernetes/base/haproxy.yaml', import.meta.url)

/**
 * The Deployment of `docker/kubernetes/base/haproxy.yaml` as podman can play it: what
 * only a cluster knows (its API, nodes to choose from, sysctls of a pod, probes)
 * is left out, and what it would tell stands in the environment.
 *
 * @param ip address that the pod will have
 */
export function playableManifest(ip: string): string {
  const documents = parseAllDocuments(readFileSync(manifest, 'utf8')).map((document) => document.toJS() as Deployment)
  const deployment = documents.find(({ kind }) => kind === 'Deployment')
  if (deployment === undefined) throw new Error('haproxy.yaml has no Deployment')
  const { metadata, spec } = deployment.spec.template
  // Without the sysctl, port 80 is root's.
  const config = metadata.annotations['haproxy.unity3d.com/config']?.replace(
    'bind                *:80\n',
    'bind *:8080\n'
  )
  const annotations = {
    ...metadata.annotations,
    'haproxy.unity3d.com/config': config,
    'kontrol.unity3d.com/master': ip,
    // One alone, with its registry on its own disk.
    'kontrol.unity3d.com/etcd': ''
  }
  const env = {
    NAMESPACE: 'default',
    KONTROL_ID: deployment.metadata.name,
    KONTROL_IP: ip,
    KONTROL_TTL: '4',
    KONTROL_LABELS: JSON.stringify(metadata.labels),
    KONTROL_ANNOTATIONS: JSON.stringify(annotations)
  }
  const { volumes, terminationGracePeriodSeconds, securityContext } = spec
  const [container = {}] = spec.containers
  const { name, securityContext: rights, resources, volumeMounts } = container
  const played = {
    volumes,
    terminationGracePeriodSeconds,
    securityContext: { ...(securityContext as object), sysctls: undefined },
    containers: [
      {
        name,
        image: IMAGE,
        imagePullPolicy: 'Never',
        securityContext: rights,
        resources,
        volumeMounts,
        env: Object.entries(env).map(([key, value]) => ({ name: key, value }))
      }
    ]
  }
  return stringify({ ...deployment, spec: { ...deployment.spec, replicas: 1, template: { metadata, spec: played } } })
}
