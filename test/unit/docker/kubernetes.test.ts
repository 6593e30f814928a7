import { readFileSync } from 'node:fs'
import { Deployment, StatefulSet } from 'kubernetes-models/apps/v1'
import { NetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1'
import { PodDisruptionBudget } from 'kubernetes-models/policy/v1'
import { ClusterRole, ClusterRoleBinding, Role, RoleBinding } from 'kubernetes-models/rbac.authorization.k8s.io/v1'
import { Service, ServiceAccount } from 'kubernetes-models/v1'
import { describe, expect, it } from 'vitest'
import { parseAllDocuments } from 'yaml'

interface Manifest {
  kind: string
  metadata: { name: string }
}

/** What we read of a Deployment or a StatefulSet. */
interface Workload extends Manifest {
  spec: {
    selector: { matchLabels: Record<string, string> }
    template: {
      metadata: { labels: Record<string, string>; annotations?: Record<string, string> }
      spec: {
        terminationGracePeriodSeconds?: number
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
  securityContext?: { capabilities?: { add?: string[] } }
  [probe: `${string}Probe`]: { httpGet?: { port: string }; tcpSocket?: { port: string } } | undefined
}

const models: Record<string, new (data: never) => { validate(): void }> = {
  ClusterRole,
  ClusterRoleBinding,
  Deployment,
  NetworkPolicy,
  PodDisruptionBudget,
  Role,
  RoleBinding,
  Service,
  ServiceAccount,
  StatefulSet
}

const load = (file: string) =>
  parseAllDocuments(readFileSync(new URL(`../../../docker/kubernetes/${file}`, import.meta.url), 'utf8')).map(
    (document) => document.toJS() as Manifest
  )

const files = ['haproxy.yaml', 'slave.yaml', 'etcd.yaml']
const manifests = files.flatMap(load)
const workloads = manifests.filter(({ kind }) => kind === 'Deployment' || kind === 'StatefulSet') as Workload[]
const named = <T extends Manifest>(kind: string, name: string) =>
  manifests.find((manifest) => manifest.kind === kind && manifest.metadata.name === name) as unknown as T
const title = ({ kind, metadata }: Manifest) => `${kind} ${metadata.name}`

describe('docker/kubernetes', () => {
  it.each(manifests.map((manifest) => [title(manifest), manifest] as const))('%s is valid', (_title, manifest) => {
    const Model = models[manifest.kind]
    if (Model === undefined) throw new Error(`no model of ${manifest.kind}`)

    expect(() => new Model(manifest as never).validate()).not.toThrow()
  })

  it('would notice a field of the wrong kind', () => {
    const broken = { ...named<Workload>('Deployment', 'haproxy'), spec: { replicas: 'three' } }

    expect(() => new Deployment(broken as never).validate()).toThrow()
  })

  it.each(['three-replicas.yaml', 'syn-guard.yaml'])('%s patches the Deployment into a valid one', (file) => {
    const [patch] = load(file)
    const patched = merge(named('Deployment', 'haproxy'), patch) as Workload

    expect(() => new Deployment(patched as never).validate()).not.toThrow()
    expect(patched.spec.template.spec.containers).toHaveLength(1)
    expect(patched.spec.template.spec.containers[0]?.env?.map(({ name }) => name)).toContain('KONTROL_ID')
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
          if (container[probe] !== undefined) expect(ports).toContain(portOf(container[probe]))
        }
        for (const { name } of container.volumeMounts ?? [])
          expect(volumes.map((volume) => volume.name)).toContain(name)
      }
    }
  )

  it('gives the proxy what its metadata source asks for, and no more', () => {
    const { rules } = named<Manifest & { rules: unknown }>('Role', 'haproxy')
    const cluster = named<Manifest & { rules: unknown }>('ClusterRole', 'haproxy-node')

    expect(rules).toEqual([{ apiGroups: [''], resources: ['pods'], verbs: ['get', 'watch'] }])
    expect(cluster.rules).toEqual([{ apiGroups: [''], resources: ['nodes'], verbs: ['get'] }])
    expect(named<Workload>('Deployment', 'haproxy').spec.template.spec.serviceAccountName).toBe('haproxy')
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

/** As a strategic merge: lists of named things merge by name, other lists are replaced. */
function merge(target: unknown, patch: unknown): unknown {
  if (isNamedList(target) && isNamedList(patch)) {
    const kept = target.filter(({ name }) => !patch.some((item) => item.name === name))
    return [...kept, ...patch.map((item) => merge(target.find(({ name }) => name === item.name) ?? {}, item))]
  }
  if (!isObject(target) || !isObject(patch)) return patch
  const merged = Object.entries(patch).map(([key, value]) => [key, merge(target[key], value)])
  return { ...target, ...Object.fromEntries(merged) } as unknown
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isNamedList(value: unknown): value is { name: string }[] {
  return Array.isArray(value) && value.every((item) => isObject(item) && typeof item.name === 'string')
}

function portOf({ httpGet, tcpSocket }: { httpGet?: { port: string }; tcpSocket?: { port: string } }) {
  return (httpGet ?? tcpSocket)?.port
}
