import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { format } from 'prettier'
import { describe, expect, it } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { runSubprocess } from '../../src/platform/process/subprocess.ts'
import { command } from '../support/service/command.ts'
import { tempDir } from '../support/temp-dir.ts'
import { type Manifest, validateManifest } from '../support/neighbours/validate-manifest.ts'

const DOCKER = join(import.meta.dirname, '../../docker')
const CHART = join(DOCKER, 'helm/kontrol-haproxy')
const HEADER = `# Two proxies that configure themselves from the pods that report to them, and the etcd that they share.
# Made from docker/helm/kontrol-haproxy by \`npm run test:manifests -- -u\`: change it there.
# kubectl apply -f docker/kubernetes/base/haproxy.yaml
`

interface Pod {
  securityContext: Record<string, unknown>
  containers: {
    env: { name: string; value?: string }[]
    ports: { name: string; containerPort: number }[]
    volumeMounts: { name: string }[]
    securityContext: { capabilities: object }
  }[]
  volumes: { name: string; secret?: { secretName: string } }[]
}

interface Workload extends Manifest {
  spec: {
    replicas: number
    strategy: { rollingUpdate: object }
    template: { metadata: { annotations: Record<string, string> }; spec: Pod }
  }
}

const template = (...args: string[]): Promise<string> =>
  command('helm', ['template', 'haproxy', CHART, '--namespace', 'default', ...args])

const parse = (text: string): Manifest[] =>
  parseAllDocuments(text).flatMap((document) => (document.toJS() as Manifest | null) ?? [])

/** The chart with these values, which are a file of the user's. */
async function render(values: unknown): Promise<Manifest[]> {
  await using dir = await tempDir()
  await writeFile(dir.file('values.json'), JSON.stringify(values))
  return parse(await template('--values', dir.file('values.json')))
}

const find = <T extends Manifest>(manifests: readonly Manifest[], kind: string, name: string): T => {
  const found = manifests.find((manifest) => manifest.kind === kind && manifest.metadata.name === name)
  if (found === undefined) throw new Error(`no ${kind} ${name}`)
  return found as T
}

const byName = (manifests: readonly Manifest[]): Record<string, Manifest> =>
  Object.fromEntries(manifests.map((manifest) => [`${manifest.kind} ${manifest.metadata.name}`, manifest]))

/** An overlay, and the values of the chart that mean the same. */
const overlays = {
  base: {},
  'overlays/single': { replicas: 1, etcd: { members: 0 } },
  'overlays/own-etcd': { etcd: { urls: ['http://etcd.example.com:2379'] } },
  'overlays/three-members': { replicas: 3, etcd: { members: 3 } },
  'overlays/syn-guard': { synGuard: true },
  'overlays/tokens': { tokens: { operate: 'haproxy-operators', ping: 'haproxy-pods' } }
}

describe('the chart', () => {
  it('passes the lint of helm', async () => {
    expect(await command('helm', ['lint', '--strict', CHART])).toContain('0 chart(s) failed')
  })

  it('makes docker/kubernetes/base/haproxy.yaml of its own values', async () => {
    const text = (await template()).replace(/^# Source: .*\n/gm, '')
    const config = JSON.parse(await readFile(join(DOCKER, '../package.json'), 'utf8')) as { prettier: object }
    const formatted = await format(HEADER + text.replace(/^---\n/, ''), { ...config.prettier, parser: 'yaml' })

    await expect(formatted).toMatchFileSnapshot(join(DOCKER, 'kubernetes/base/haproxy.yaml'))
  })

  it.each(Object.entries(overlays))(
    'with %s of docker/kubernetes, and by its own values, is the same',
    async (folder, values) => {
      const kustomized = parse(await command('kubectl', ['kustomize', join(DOCKER, 'kubernetes', folder)]))
      const rendered = await render(values)

      for (const manifest of rendered) expect(() => validateManifest(manifest)).not.toThrow()
      expect(byName(kustomized)).toEqual(byName(rendered))
    }
  )

  it('takes a template, ports, tokens, roles and objects of your own', async () => {
    const config = 'frontend tls\n  bind :443\n\n{% for app in hosts %}\n  # {{ app }}\n{% endfor %}\n'
    const rendered = await render({
      name: 'edge',
      template: config,
      ports: [
        { name: 'tls', port: 443 },
        { name: 'plain', port: 80 }
      ],
      service: { type: 'LoadBalancer', annotations: { a: 'b' } },
      podAnnotations: { 'haproxy.unity3d.com/route53': 'www.example.com' },
      env: { KONTROL_TTL: 10, KONTROL_VERIFY: 'peer' },
      tokens: { operate: 'operators', ping: 'pods' },
      serviceAccount: { annotations: { 'eks.amazonaws.com/role-arn': 'arn:aws:iam::1:role/x' } },
      serviceMonitor: { enabled: true, labels: { release: 'prometheus' } },
      networkPolicy: { controlTierFrom: [{ namespaceSelector: {} }] },
      extraObjects: [
        { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'plain' }, data: { a: '{{ not a template }}' } },
        'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Values.name }}-extra\n'
      ]
    })
    const { spec } = find<Workload>(rendered, 'Deployment', 'edge')
    const { metadata, spec: pod } = spec.template
    const [container] = pod.containers

    for (const manifest of rendered.filter(({ kind }) => kind !== 'ServiceMonitor')) validateManifest(manifest)
    expect(metadata.annotations['haproxy.unity3d.com/config']).toBe(config)
    expect(metadata.annotations['haproxy.unity3d.com/route53']).toBe('www.example.com')
    expect(metadata.annotations['kontrol.unity3d.com/master']).toBe('edge.default.svc')
    expect(container?.ports.map(({ containerPort }) => containerPort)).toEqual([443, 80, 8000])
    expect(container?.env).toContainEqual({ name: 'KONTROL_TTL', value: '10' })
    expect(container?.env).toContainEqual({ name: 'KONTROL_TOKEN_FILE', value: '/etc/kontrol/tokens/operate/tokens' })
    expect(container?.env.map(({ name }) => name)).not.toContain('KONTROL_READ_TOKEN_FILE')
    expect(pod.volumes.flatMap(({ secret }) => secret?.secretName ?? [])).toEqual(['operators', 'pods'])
    for (const { name } of container?.volumeMounts ?? []) expect(pod.volumes.map((one) => one.name)).toContain(name)
    find(rendered, 'ConfigMap', 'plain')
    find(rendered, 'ConfigMap', 'edge-extra')
    expect(find(rendered, 'ServiceMonitor', 'edge').metadata.labels).toEqual({ release: 'prometheus' })
  })

  it('keeps what guards the control tier beside variables of your own', async () => {
    const { spec } = find<Workload>(await render({ env: { KONTROL_VERIFY: 'peer' } }), 'Deployment', 'haproxy')
    const set = spec.template.spec.containers.flatMap(({ env }) => env).filter(({ value }) => value !== undefined)

    expect(set).toEqual([
      { name: 'KONTROL_SCRIPT', value: 'off' },
      { name: 'KONTROL_VERIFY', value: 'peer' }
    ])
  })

  it('leaves out what is switched off', async () => {
    const rendered = await render({
      etcd: { members: 0 },
      priorityClass: { name: '' },
      rbac: { create: false },
      serviceAccount: { create: false, name: 'mine' },
      networkPolicy: { enabled: false },
      disruptionBudget: { enabled: false }
    })

    expect(Object.keys(byName(rendered)).sort()).toEqual([
      'Deployment haproxy',
      'Service haproxy',
      'Service haproxy-metrics',
      'Service haproxy-public'
    ])
  })

  it.each([
    ['a value that it does not have', { replica: 3 }, 'replica'],
    ['a number that is none', { replicas: 'three' }, 'replicas'],
    ['two etcd members', { etcd: { members: 2 } }, 'members'],
    ['a label that its selector has', { podLabels: { app: 'x' } }, 'podLabels'],
    ['the port of the control tier', { ports: [{ name: 'http', port: 8000 }] }, 'port']
  ])('refuses %s by name', async (_what, values, name) => {
    await using dir = await tempDir()
    await writeFile(dir.file('values.json'), JSON.stringify(values))
    const { code, stderr } = await runSubprocess(
      'helm',
      ['template', 'haproxy', CHART, '--values', dir.file('values.json')],
      { env: process.env }
    )

    expect(code).not.toBe(0)
    expect(stderr).toContain(name)
  })
})
