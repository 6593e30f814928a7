import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { type Manifest, validateManifest } from '../../support/neighbours/validate-manifest.ts'

/** What we read of a Deployment or a StatefulSet. */
interface Workload extends Manifest {
  spec: {
    replicas: number
    strategy?: object
    selector: { matchLabels: Record<string, string> }
    template: {
      metadata: { labels: Record<string, string>; annotations?: Record<string, string> }
      spec: {
        terminationGracePeriodSeconds?: number
        priorityClassName?: string
        serviceAccountName?: string
        containers: Container[]
        volumes?: { name: string }[]
      }
    }
    volumeClaimTemplates?: { metadata: { name: string } }[]
  }
}

interface Container {
  name: string
  env?: { name: string; value?: string }[]
  ports?: { name: string }[]
  volumeMounts?: { name: string }[]
  resources?: object
  securityContext?: { capabilities?: { add?: string[] } }
  [probe: `${string}Probe`]: { httpGet?: { port: string }; tcpSocket?: { port: string } } | undefined
}

const load = (file: string) =>
  parseAllDocuments(readFileSync(new URL(`../../../docker/kubernetes/${file}`, import.meta.url), 'utf8')).map(
    (document) => document.toJS() as Manifest
  )

const files = ['base/haproxy.yaml', 'slave.yaml']
const manifests = files.flatMap(load)
const workloads = manifests.filter(({ kind }) => kind === 'Deployment' || kind === 'StatefulSet') as Workload[]
const named = <T extends Manifest>(kind: string, name: string) =>
  manifests.find((manifest) => manifest.kind === kind && manifest.metadata.name === name) as unknown as T
const title = ({ kind, metadata }: Manifest) => `${kind} ${metadata.name}`

describe('docker/kubernetes', () => {
  it.each(manifests.map((manifest) => [title(manifest), manifest] as const))('%s is valid', (_title, manifest) => {
    expect(() => validateManifest(manifest)).not.toThrow()
  })

  it('would notice a field of the wrong kind', () => {
    const broken = { ...named<Workload>('Deployment', 'haproxy'), spec: { replicas: 'three' } }

    expect(() => validateManifest(broken)).toThrow()
  })

  it.each(workloads.map((workload) => [title(workload), workload] as const))(
    '%s refers to what it has',
    (_title, { spec }) => {
      const { metadata, spec: pod } = spec.template
      const volumes = [...(pod.volumes ?? []), ...(spec.volumeClaimTemplates ?? []).map(({ metadata }) => metadata)]
      expect(metadata.labels).toMatchObject(spec.selector.matchLabels)
      for (const container of pod.containers) {
        const ports = (container.ports ?? []).map(({ name }) => name)
        for (const probe of ['startupProbe', 'livenessProbe', 'readinessProbe'] as const) {
          const port = portOf(container[probe] ?? {})
          if (port !== undefined) expect(ports).toContain(port)
        }
        for (const { name } of container.volumeMounts ?? [])
          expect(volumes.map((volume) => volume.name)).toContain(name)
      }
    }
  )

  it('gives the proxy what its metadata source asks for, and no more', () => {
    const { rules } = named<Manifest & { rules: unknown }>('Role', 'haproxy')
    const cluster = named<Manifest & { rules: unknown }>('ClusterRole', 'default-haproxy-node')

    expect(rules).toEqual([{ apiGroups: [''], resources: ['pods'], verbs: ['get', 'watch'] }])
    expect(cluster.rules).toEqual([{ apiGroups: [''], resources: ['nodes'], verbs: ['get'] }])
    expect(named<Workload>('Deployment', 'haproxy').spec.template.spec.serviceAccountName).toBe('haproxy')
  })

  it('lets pods of the namespace report, and nobody operate', () => {
    const policy = named<Manifest & { spec: { ingress: unknown[] } }>('NetworkPolicy', 'haproxy')
    const [container] = named<Workload>('Deployment', 'haproxy').spec.template.spec.containers

    expect(policy.spec.ingress).toEqual([
      { ports: [{ port: 'http', protocol: 'TCP' }] },
      { from: [{ podSelector: {} }], ports: [{ port: 'kontrol', protocol: 'TCP' }] }
    ])
    expect(container?.env).toContainEqual({ name: 'KONTROL_SCRIPT', value: 'off' })
    expect(container?.env).toContainEqual({ name: 'KONTROL_VERIFY', value: 'key' })
  })

  it('has two proxies that share a registry and are rolled one at a time', () => {
    const { spec } = named<Workload>('Deployment', 'haproxy')
    const etcd = named<Workload>('StatefulSet', 'haproxy-etcd')

    expect(spec.replicas).toBe(2)
    expect(spec.strategy).toEqual({ type: 'RollingUpdate', rollingUpdate: { maxSurge: 0, maxUnavailable: 1 } })
    expect(spec.template.metadata.annotations?.['kontrol.unity3d.com/etcd']).toBe(
      'http://haproxy-etcd-0.haproxy-etcd:2379'
    )
    expect(etcd.spec.replicas).toBe(1)
    expect(named('PodDisruptionBudget', 'haproxy')).toMatchObject({ spec: { maxUnavailable: 1 } })
    expect(spec.template.spec.priorityClassName).toBe(named('PriorityClass', 'kontrol-traffic').metadata.name)
  })

  it('ends no proxy that serves for the sake of its control tier', () => {
    const [container] = named<Workload>('Deployment', 'haproxy').spec.template.spec.containers

    expect(container?.startupProbe).toBeUndefined()
    expect(container?.livenessProbe).toMatchObject({
      exec: { command: ['node', '/opt/kontrol/docker/healthcheck.js', 'either'] }
    })
  })

  it('bounds every container, and lets none of them gain rights', () => {
    const proxies = workloads.filter(({ metadata }) => metadata.name !== 'web' && metadata.name !== 'web-shell')
    const sidecars = workloads.flatMap(({ spec }) =>
      spec.template.spec.containers.filter(({ name }) => name === 'kontrol')
    )

    for (const container of [...proxies.flatMap(({ spec }) => spec.template.spec.containers), ...sidecars]) {
      expect(container.securityContext).toMatchObject({
        allowPrivilegeEscalation: false,
        capabilities: { drop: ['ALL'] }
      })
      expect(container.resources).toMatchObject({ requests: {}, limits: {} })
    }
  })

  it('adds a capability for the SYN guard alone', () => {
    const added = workloads.flatMap(({ spec }) =>
      spec.template.spec.containers.flatMap(({ securityContext }) => securityContext?.capabilities?.add ?? [])
    )

    expect(added).toEqual([])
  })

  it('leaves the container the time that its programs may take to end', () => {
    const dockerfile = readFileSync(new URL('../../../docker/Dockerfile', import.meta.url), 'utf8')
    const seconds = (name: string) => Number(new RegExp(`${name}=(\\d+)`).exec(dockerfile)?.[1])
    const { terminationGracePeriodSeconds } = named<Workload>('Deployment', 'haproxy').spec.template.spec

    expect(terminationGracePeriodSeconds).toBeGreaterThan(seconds('KONTROL_LEAVE') + seconds('KONTROL_DRAIN') + 5)
  })
})

function portOf({ httpGet, tcpSocket }: { httpGet?: { port: string }; tcpSocket?: { port: string } }) {
  return (httpGet ?? tcpSocket)?.port
}
