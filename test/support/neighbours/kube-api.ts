import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:https'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { runSubprocess } from '../../../src/platform/process/subprocess.ts'
import { tempDir } from '../temp-dir.ts'

interface Pod {
  metadata: Record<string, unknown> & { name: string; annotations: Record<string, string> }
  spec: Record<string, unknown>
  status: Record<string, unknown>
}

type Refusal = { code: number; reason: string; message: string }

/**
 * The API server's pods and nodes at the wire: TLS with a CA of its own, bearer
 * tokens, and watches; answers in the form that Kubernetes 1.29 sends.
 */
export interface KubeApi extends AsyncDisposable {
  /** What the kubelet gives a pod. */
  env: NodeJS.ProcessEnv
  serviceAccount: string
  /** Every request so far, as `GET /path`. */
  requests: string[]
  pod: Pod
  node: { metadata: Record<string, unknown>; status: { addresses: { type: string; address: string }[] } }
  /** Which token is accepted; the file of the service account is not touched. */
  token: string
  /** Answers each request whose path matches with this instead, until it is deleted. */
  refusals: Map<RegExp, Refusal>
  /** Edits an annotation as `kubectl annotate` does: a new version, told to those who watch. */
  annotate(name: string, value: string): void
  /** Sends one raw line to every watch. */
  send(line: unknown): void
  /** Ends the answer of every watch as the server does when its time is up. */
  endWatches(): void
  /** Cuts the connection of every watch in the middle of its answer. */
  cutWatches(): void
  watching(): number
}

const NAMESPACE = 'traffic'

/** @param address that its certificate is valid for, beside 127.0.0.1, where it listens */
export async function startKubeApi(podName = 'haproxy-5d9c7b6f4-x2x7q', address = '127.0.0.1'): Promise<KubeApi> {
  const dir = await tempDir()
  const serviceAccount = dir.file('serviceaccount')
  await mkdir(serviceAccount)
  await makeCertificates(dir.path, address)
  await writeFile(`${serviceAccount}/ca.crt`, await readFile(dir.file('ca.crt')))
  await writeFile(`${serviceAccount}/token`, 'token-1\n')
  await writeFile(`${serviceAccount}/namespace`, NAMESPACE)

  const watches = new Set<ServerResponse>()
  let version = 1180
  const api = {
    serviceAccount,
    requests: [] as string[],
    token: 'token-1',
    refusals: new Map<RegExp, Refusal>(),
    pod: recordedPod(podName, version),
    node: recordedNode(),
    annotate(name: string, value: string) {
      version += 1
      const annotations = { ...api.pod.metadata.annotations, [name]: value }
      api.pod = { ...api.pod, metadata: { ...api.pod.metadata, annotations, resourceVersion: String(version) } }
      api.send({ type: 'MODIFIED', object: api.pod })
    },
    send(line: unknown) {
      for (const response of watches) response.write(`${JSON.stringify(line)}\n`)
    },
    endWatches() {
      for (const response of watches) response.end()
    },
    cutWatches() {
      for (const response of watches) response.socket?.destroy()
      watches.clear()
    },
    watching: () => watches.size
  }

  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    const path = request.url ?? ''
    api.requests.push(`${request.method} ${path}`)
    if (request.headers.authorization !== `Bearer ${api.token}`) {
      return status(response, { code: 401, reason: 'Unauthorized', message: 'Unauthorized' })
    }
    const refusal = [...api.refusals].find(([pattern]) => pattern.test(path))?.[1]
    if (refusal !== undefined) return status(response, refusal)
    const url = new URL(path, 'https://localhost')
    if (url.searchParams.get('watch') === 'true') return watch(url, response)
    if (url.pathname === `/api/v1/namespaces/${NAMESPACE}/pods/${api.pod.metadata.name}`) return json(response, api.pod)
    if (url.pathname === `/api/v1/nodes/${String(api.pod.spec.nodeName)}`) return json(response, api.node)
    const name = url.pathname.split('/').at(-1) ?? ''
    return status(response, { code: 404, reason: 'NotFound', message: `pods "${name}" not found` })
  }
  const watch = (url: URL, response: ServerResponse): void => {
    response.writeHead(200, { 'content-type': 'application/json' }).flushHeaders()
    watches.add(response)
    response.on('close', () => watches.delete(response))
    // What happened since the version that the watch begins at is told first.
    if (Number(url.searchParams.get('resourceVersion')) < version) {
      response.write(`${JSON.stringify({ type: 'MODIFIED', object: api.pod })}\n`)
    }
  }

  const server = createServer(
    { key: await readFile(dir.file('tls.key')), cert: await readFile(dir.file('tls.crt')) },
    answer
  )
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo

  return Object.assign(api, {
    env: { KUBERNETES_SERVICE_HOST: '127.0.0.1', KUBERNETES_SERVICE_PORT: String(port), KONTROL_ID: podName },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      await dir[Symbol.asyncDispose]()
    }
  })
}

function json(response: ServerResponse, body: unknown, code = 200): void {
  response.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

function status(response: ServerResponse, { code, reason, message }: Refusal): void {
  const body = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason, code }
  json(response, body, code)
}

/** A CA and a server certificate, as a cluster has them. */
async function makeCertificates(folder: string, address: string): Promise<void> {
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  await openssl(folder, ['req', '-x509', ...key, '-keyout', 'ca.key', '-out', 'ca.crt', '-subj', '/CN=kubernetes'])
  await openssl(folder, ['req', ...key, '-keyout', 'tls.key', '-out', 'tls.csr', '-subj', '/CN=kube-apiserver'])
  await writeFile(`${folder}/san.cnf`, `subjectAltName=IP:127.0.0.1,IP:${address},DNS:kubernetes.default.svc\n`)
  const signed = ['-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial', '-extfile', 'san.cnf', '-days', '1']
  await openssl(folder, ['x509', '-req', '-in', 'tls.csr', '-out', 'tls.crt', ...signed])
}

async function openssl(cwd: string, args: string[]): Promise<void> {
  const { code, stderr } = await runSubprocess('openssl', args, { cwd })
  if (code !== 0) throw new Error(`openssl ${args.join(' ')}: ${stderr}`)
}

function recordedPod(name: string, resourceVersion: number): Pod {
  return {
    metadata: {
      name,
      generateName: 'haproxy-5d9c7b6f4-',
      namespace: NAMESPACE,
      uid: '0c8f5a0e-8d6f-4a4f-9c43-1f0f4f6f1f57',
      resourceVersion: String(resourceVersion),
      creationTimestamp: '2026-11-22T10:00:00Z',
      labels: { app: 'haproxy', role: 'balancer', tier: 'traffic', 'pod-template-hash': '5d9c7b6f4' },
      annotations: {
        'haproxy.unity3d.com/config': 'frontend proxy\n  bind *:80\n',
        'kontrol.unity3d.com/master': 'haproxy.traffic.svc'
      }
    },
    spec: { nodeName: 'ip-10-0-3-17.ec2.internal', serviceAccountName: 'haproxy', containers: [{ name: 'haproxy' }] },
    status: {
      phase: 'Running',
      hostIP: '10.0.3.17',
      podIP: '10.244.1.9',
      podIPs: [{ ip: '10.244.1.9' }],
      startTime: '2026-11-22T10:00:01Z'
    }
  }
}

function recordedNode(): KubeApi['node'] {
  return {
    metadata: {
      name: 'ip-10-0-3-17.ec2.internal',
      labels: { 'kubernetes.io/hostname': 'ip-10-0-3-17', 'unity3d.com/array': 'front' },
      annotations: { 'node.alpha.kubernetes.io/ttl': '0' }
    },
    status: {
      addresses: [
        { type: 'InternalIP', address: '10.0.3.17' },
        { type: 'ExternalIP', address: '2600:1f18::17' },
        { type: 'ExternalIP', address: '198.51.100.17' },
        { type: 'Hostname', address: 'ip-10-0-3-17.ec2.internal' }
      ]
    }
  }
}
