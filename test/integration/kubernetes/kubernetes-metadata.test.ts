import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { KubernetesMetadata } from '../../../src/kubernetes/kubernetes-metadata.ts'
import { eventually } from '../../support/eventually.ts'
import { startKubeApi, type KubeApi } from '../../support/neighbours/kube-api.ts'
import { recordingLogger, silentLogger } from '../../support/test-logger.ts'

const retry = { firstMs: 20, maxMs: 200 }

function metadataOf(api: KubeApi, logger = silentLogger()): KubernetesMetadata {
  return new KubernetesMetadata({ env: api.env, serviceAccount: api.serviceAccount, logger, retry })
}

const forbidden = (verb: string, resource: string) => ({
  code: 403,
  reason: 'Forbidden',
  message: `${resource} is forbidden: User "system:serviceaccount:traffic:default" cannot ${verb} resource "${resource}" in API group "" in the namespace "traffic"`
})

describe('KubernetesMetadata.discover', () => {
  it('gathers what the original gathered of the pod and its node', async () => {
    await using api = await startKubeApi()

    expect(await metadataOf(api).discover()).toEqual({
      NAMESPACE: 'traffic',
      KONTROL_ID: 'haproxy-5d9c7b6f4-x2x7q',
      KONTROL_IP: '10.244.1.9',
      KONTROL_HOST: '10.0.3.17',
      KONTROL_EIP: '198.51.100.17',
      KONTROL_LABELS: JSON.stringify(api.pod.metadata.labels),
      KONTROL_ANNOTATIONS: JSON.stringify(api.pod.metadata.annotations),
      KONTROL_NODE_LABELS: JSON.stringify(api.node.metadata.labels),
      KONTROL_NODE_ANNOTATIONS: JSON.stringify(api.node.metadata.annotations)
    })
  })

  it('waits while the pod has no address', async () => {
    await using api = await startKubeApi()
    const { podIP } = api.pod.status
    delete api.pod.status.podIP

    const discovered = metadataOf(api).discover()
    await eventually(() => api.requests.length >= 3)
    api.pod.status.podIP = podIP

    expect((await discovered).KONTROL_IP).toBe('10.244.1.9')
  })

  it('gives up with a retryable error when the address never comes', async () => {
    await using api = await startKubeApi()
    delete api.pod.status.podIP
    const attempts = { pod: 3, node: 1 }
    const { env, serviceAccount } = api
    const metadata = new KubernetesMetadata({ env, serviceAccount, logger: silentLogger(), retry, attempts })

    await expect(metadata.discover()).rejects.toMatchObject({
      code: 'KTL_KUBERNETES_UNAVAILABLE',
      message: 'Pod haproxy-5d9c7b6f4-x2x7q has no address yet',
      retryable: true
    })
    expect(api.requests).toHaveLength(3)
  })

  it('names the rule that the Role lacks, and does not try again', async () => {
    await using api = await startKubeApi()
    api.refusals.set(/pods/, forbidden('get', 'pods'))

    await expect(metadataOf(api).discover()).rejects.toMatchObject({
      code: 'KTL_KUBERNETES_FORBIDDEN',
      message: expect.stringContaining('cannot get resource "pods"') as string,
      hint: 'Allow the pod\'s service account to "get" "pods" in its namespace by a Role.'
    })
    expect(api.requests).toHaveLength(1)
  })

  it('reads the token again after it has expired', async () => {
    await using api = await startKubeApi()
    api.token = 'token-2'

    const discovered = metadataOf(api).discover()
    await eventually(() => api.requests.length >= 2)
    await writeFile(join(api.serviceAccount, 'token'), 'token-2')

    expect((await discovered).KONTROL_IP).toBe('10.244.1.9')
  })

  it('says that the hostname may not be the name of the pod', async () => {
    await using api = await startKubeApi()
    const env = { ...api.env, KONTROL_ID: 'ip-10-0-3-17' }
    const metadata = new KubernetesMetadata({
      env,
      serviceAccount: api.serviceAccount,
      logger: silentLogger()
    })

    await expect(metadata.discover()).rejects.toMatchObject({
      code: 'KTL_KUBERNETES_POD_NOT_FOUND',
      hint: expect.stringContaining('Set KONTROL_ID and NAMESPACE') as string
    })
  })

  it('leaves the external address out when the node has none', async () => {
    await using api = await startKubeApi()
    api.node.status.addresses = api.node.status.addresses.filter(({ type }) => type !== 'ExternalIP')

    const metadata = await metadataOf(api).discover()

    expect(metadata).not.toHaveProperty('KONTROL_EIP')
    expect(metadata.KONTROL_NODE_LABELS).toBe(JSON.stringify(api.node.metadata.labels))
  })

  it('goes on without the node when it may not read it, and says how to allow it', async () => {
    await using api = await startKubeApi()
    api.refusals.set(/nodes/, forbidden('get', 'nodes'))
    const { logger, lines } = recordingLogger()

    const metadata = await metadataOf(api, logger).discover()

    expect(metadata.KONTROL_IP).toBe('10.244.1.9')
    expect(metadata).not.toHaveProperty('KONTROL_NODE_LABELS')
    expect(lines).toContainEqual(
      expect.objectContaining({
        msg: 'going on without node metadata',
        hint: 'Allow the pod\'s service account to "get" "nodes" by a ClusterRole, or set KONTROL_EIP.'
      })
    )
  })

  it('refuses a server that the CA of the cluster did not sign', async () => {
    await using api = await startKubeApi()
    await using other = await startKubeApi()
    const metadata = new KubernetesMetadata({
      env: api.env,
      serviceAccount: other.serviceAccount,
      logger: silentLogger(),
      attempts: { pod: 1, node: 1 }
    })

    await expect(metadata.discover()).rejects.toMatchObject({
      code: 'KTL_KUBERNETES_UNAVAILABLE',
      message: expect.stringMatching(/certificate/) as string
    })
    expect(api.requests).toEqual([])
  })

  it('ends at once when the program is told to stop', async () => {
    await using api = await startKubeApi()
    delete api.pod.status.podIP
    const stopping = new AbortController()

    const discovered = metadataOf(api).discover(stopping.signal)
    await eventually(() => api.requests.length >= 1)
    stopping.abort()

    await expect(discovered).rejects.toThrowError(/abort/i)
  })
})

describe('KubernetesMetadata.watch', () => {
  it('tells of an edited annotation within two seconds', async () => {
    await using api = await startKubeApi()
    using watch = await watching(api)

    api.annotate('haproxy.unity3d.com/config', 'frontend proxy\n  bind *:81\n')
    await eventually(() => watch.seen.length === 1, 2_000)

    expect(watch.seen[0]).toEqual(api.pod.metadata.annotations)
  })

  it('is silent about changes of anything else', async () => {
    await using api = await startKubeApi()
    using watch = await watching(api)

    api.send({
      type: 'MODIFIED',
      object: { ...api.pod, status: { ...api.pod.status, phase: 'Running', qosClass: 'x' } }
    })
    api.send({ type: 'BOOKMARK', object: { metadata: { resourceVersion: '1190' } } })
    api.annotate('note', 'ä😀')
    await eventually(() => watch.seen.length > 0)

    expect(watch.seen).toEqual([api.pod.metadata.annotations])
  })

  it('misses no edit while the connection is cut', async () => {
    await using api = await startKubeApi()
    using watch = await watching(api)

    api.cutWatches()
    // At once: it may connect again in the next moment.
    expect(api.watching()).toBe(0)
    api.annotate('note', 'edited in between')

    await eventually(() => watch.seen.length === 1)
    expect(watch.seen[0]).toHaveProperty('note', 'edited in between')
    await eventually(() => api.watching() === 1)
  })

  it('goes on from the last bookmark when the server ends a watch', async () => {
    await using api = await startKubeApi()
    using watch = await watching(api)
    expect(watch.seen).toEqual([])

    api.send({ type: 'BOOKMARK', object: { metadata: { resourceVersion: '1195' } } })
    api.endWatches()

    await eventually(() => api.requests.some((request) => request.includes('resourceVersion=1195')))
    expect(api.requests.filter((request) => /pods\/haproxy/.test(request))).toHaveLength(2)
  })

  it('reads the pod again when its version is gone', async () => {
    await using api = await startKubeApi()
    using watch = await watching(api)
    api.pod.metadata.annotations = { ...api.pod.metadata.annotations, note: 'never told' }

    api.send({ type: 'ERROR', object: { kind: 'Status', code: 410, message: 'too old resource version: 1 (1180)' } })

    await eventually(() => watch.seen.length === 1)
    expect(watch.seen[0]).toHaveProperty('note', 'never told')
    await eventually(() => api.watching() === 1)
  })

  it('still sees edits, later, where watching is not allowed', async () => {
    await using api = await startKubeApi()
    api.refusals.set(/watch=true/, forbidden('watch', 'pods'))
    const { logger, lines } = recordingLogger()
    using watch = await watching(api, logger)
    const rule = 'Allow the pod\'s service account to "watch" "pods" in its namespace by a Role.'
    await eventually(() => lines.some(({ hint }) => hint === rule))

    api.annotate('note', 'polled')

    await eventually(() => watch.seen.length === 1)
  })

  it('lets go of its connection when it is stopped', async () => {
    await using api = await startKubeApi()
    const watch = await watching(api)

    watch[Symbol.dispose]()

    await eventually(() => api.watching() === 0)
  })
})

async function watching(api: KubeApi, logger = silentLogger()) {
  const metadata = metadataOf(api, logger)
  await metadata.discover()
  const seen: Record<string, string>[] = []
  const stop = metadata.watch((annotations) => seen.push(annotations))
  if (api.refusals.size === 0) await eventually(() => api.watching() === 1)
  return { seen, [Symbol.dispose]: stop }
}
