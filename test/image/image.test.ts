import { setTimeout as sleep } from 'node:timers/promises'
import type { Pool } from 'undici'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { startEtcd, type EtcdCluster } from '../support/neighbours/start-etcd.ts'
import { startKubeApi } from '../support/neighbours/kube-api.ts'
import { Route53Double } from '../support/dns/route53-double.ts'
import type { Route53Zone } from '../support/dns/route53-zone.ts'
import { buildImage, buildSample, IMAGE, makeBase, makeNodeImage } from './build-image.ts'
import { startClients } from './clients.ts'
import { ContainerHost, GATEWAY } from './container-host.ts'
import { playableManifest } from './playable-manifest.ts'
import { sendTraffic } from '../support/load/traffic.ts'
import { startWebPod } from './web-pod.ts'

const PROXY = '10.89.77.10'
const OTHER = '10.89.77.11'
const IN_CLUSTER = '10.89.77.14'
const TWELVE = '10.89.77.13'
const PLAYED = '10.89.77.12'
const REDIS = ['10.89.77.31', '10.89.77.32']
const PODS = ['10.89.77.21', '10.89.77.22', '10.89.77.23']
const MINUTE = 60_000
const ROUTE53_PORT = 4566
const KUBE_PORT = 6443
const ETCD_PORT = 2379
const REPLICAS = [
  { name: 'replica-1', ip: '10.89.77.41', eip: '198.51.100.41' },
  { name: 'replica-2', ip: '10.89.77.42', eip: '198.51.100.42' }
]
const MASTERS = REPLICAS.map(({ ip }) => ip).join()
/** Seconds for which a resolver may keep an answer. */
const RECORD_TTL = 2

const template = `
frontend proxy
  bind *:80
  mode http
  default_backend web

backend web
  mode http
  balance roundrobin
  retries 3
  retry-on all-retryable-errors
  option redispatch
  timeout connect 500ms
  option httpchk GET /
  default-server inter 500ms fall 1 rise 1
  {%- for ip in hosts.web %}
  server web-{{ loop.index }} {{ ip }}:80 check
  {%- endfor %}
`

let host: ContainerHost
let route53: Route53Double
let zone: Route53Zone
let web: Pool
let api: Pool
let baseMegabytes: number

interface ProxyChange {
  image?: string
  masters?: string
  domain?: string
  etcd?: string
}

async function startProxy(name: string, ip: string, eip: string, change: ProxyChange = {}): Promise<void> {
  const { image = IMAGE, masters = `${PROXY},${OTHER}`, domain = 'www.example.com', etcd = '' } = change
  const env = {
    ...route53.env,
    AWS_ENDPOINT_URL_ROUTE_53: `http://${GATEWAY}:${ROUTE53_PORT}`,
    KONTROL_ID: name,
    KONTROL_IP: ip,
    KONTROL_EIP: eip,
    KONTROL_TTL: '4',
    KONTROL_ETCD: etcd,
    KONTROL_LABELS: '{"app": "haproxy", "role": "balancer"}',
    KONTROL_ANNOTATIONS: JSON.stringify({
      'kontrol.unity3d.com/master': masters,
      'haproxy.unity3d.com/config': template,
      'haproxy.unity3d.com/route53': domain,
      'haproxy.unity3d.com/route53-ttl': String(RECORD_TTL)
    })
  }
  const options = Object.entries(env).flatMap(([key, value]) => ['--env', `${key}=${value}`])
  await host.run(name, ip, image, options)
}

async function getJson<T>(path: string, pool = api): Promise<T> {
  const { body } = await pool.request({ path, method: 'GET' })
  return (await body.json()) as T
}

const appsOf = async (pool = api) => (await getJson<{ hosts: Record<string, string[]> }>('/api/v1/hosts', pool)).hosts
const isReady = async (pool = api) => (await getJson<{ ready: boolean }>('/readyz', pool)).ready
const programPid = async (program: string, name = 'proxy') =>
  Number(await host.exec(name, 'supervisorctl', 'pid', program))
/** What the shell of the program has started. */
const haproxyMaster = async () => {
  const shell = await programPid('haproxy')
  return Number(await host.exec('proxy', 'cat', `/proc/${shell}/task/${shell}/children`))
}
const record = () => zone.valuesOf('www.example.com', 'A') ?? []

beforeAll(async () => {
  host = await ContainerHost.start()
  const base = await makeBase(host, 'trixie')
  baseMegabytes = await host.imageMegabytes(base)
  await makeNodeImage(host)
  await buildImage(host, base)

  route53 = await Route53Double.start()
  zone = route53.addZone('Z1', 'example.com')
  await host.offer(Number(new URL(route53.env.AWS_ENDPOINT_URL_ROUTE_53 ?? '').port), ROUTE53_PORT)
  await startProxy('proxy', PROXY, '198.51.100.10')
  for (const [index, ip] of PODS.entries()) await startWebPod(host, `web-${index + 1}`, ip, PROXY)
  web = await host.connect(PROXY, 80)
  api = await host.connect(PROXY, 8000)
})

afterAll(async () => {
  await web?.destroy()
  await api?.destroy()
  await host?.[Symbol.asyncDispose]()
  await route53?.[Symbol.asyncDispose]()
})

describe('the image', () => {
  it('adds at most 300 MB to its base', async () => {
    const megabytes = await host.imageMegabytes(IMAGE)
    process.stdout.write(
      `image: ${megabytes.toFixed(0)} MB, ${(megabytes - baseMegabytes).toFixed(0)} MB over its base\n`
    )

    expect(megabytes - baseMegabytes).toBeLessThanOrEqual(300)
  })

  it('runs as a user without rights', async () => {
    expect(await host.exec('proxy', 'id', '-u')).toBe('10001')
    expect(await host.exec('proxy', 'sh', '-c', 'grep CapEff /proc/1/status')).toMatch(/0000000000000000$/)
  })

  it('serves traffic from every pod that reports to it', async () => {
    await eventually(async () => (await appsOf()).web?.length === 3, MINUTE)
    await eventually(() => isReady(), MINUTE)

    const seen = await eventually(async () => {
      const { answers } = await sendTraffic(web, { requests: 30 })
      return answers.size === 3 ? answers : undefined
    }, MINUTE)

    expect([...seen.keys()].sort()).toEqual(['web-1', 'web-2', 'web-3'])
  })

  it('has every program up in supervisorctl', async () => {
    const status = await host.exec('proxy', 'sh', '-c', 'supervisorctl status; true')

    expect(status).toMatch(/^haproxy +RUNNING/m)
    expect(status).toMatch(/^kontrol +RUNNING/m)
    expect(status).not.toMatch(/BACKOFF|FATAL|EXITED/)
  })

  it('is healthy by its own HEALTHCHECK', async () => {
    expect(await host.exec('proxy', 'node', '/opt/kontrol/docker/healthcheck.js')).toBe('')
    const healthcheck = await host.podman('image', 'inspect', '--format', '{{json .HealthCheck}}', IMAGE)
    expect(healthcheck).toContain('healthcheck.js')
  })

  it('loses no request when a pod is stopped', async () => {
    const stopped = new AbortController()
    const known = new Map<string, number>()
    const traffic = sendTraffic(web, { signal: stopped.signal, answers: known })
    await eventually(() => known.size === 3, MINUTE)

    await host.podman('stop', '--time', '20', 'web-3')
    await eventually(async () => (await appsOf()).web?.length === 2, MINUTE)
    stopped.abort()

    expect((await traffic).failures).toEqual([])
    const goodbye = (await host.logs('proxy')).find((line) => line.includes('"pod down"') && line.includes('"web-3"'))
    expect(goodbye).toContain('"reason":"down"')
  })

  it('loses no request when a pod is killed', async () => {
    const stopped = new AbortController()
    const traffic = sendTraffic(web, { signal: stopped.signal })

    await host.podman('kill', '--signal', 'KILL', 'web-2')
    await eventually(async () => (await appsOf()).web?.length === 1, MINUTE)
    stopped.abort()

    // What was on its way to the pod in the moment of its death is tried again elsewhere.
    expect((await traffic).failures).toEqual([])
    expect((await sendTraffic(web, { requests: 10 })).answers).toEqual(new Map([['web-1', 10]]))
  })

  it('serves on while the control tier is killed, which comes back', async () => {
    const stopped = new AbortController()
    const traffic = sendTraffic(web, { signal: stopped.signal })
    const haproxy = await programPid('haproxy')
    const kontrol = await programPid('kontrol')

    await host.exec('proxy', 'sh', '-c', `kill -9 ${kontrol}`)

    await eventually(async () => (await programPid('kontrol')) !== kontrol && (await isReady()), MINUTE)
    await eventually(async () => (await appsOf()).web?.length === 1, MINUTE)
    stopped.abort()
    expect((await traffic).failures).toEqual([])
    expect(await programPid('haproxy')).toBe(haproxy)
  })

  it('loses no request when HAProxy is restarted in supervisord', async () => {
    const stopped = new AbortController()
    const traffic = sendTraffic(web, { signal: stopped.signal })
    const haproxy = await haproxyMaster()

    await host.exec('proxy', 'supervisorctl', 'restart', 'haproxy')

    await eventually(async () => (await haproxyMaster()) !== haproxy && (await isReady()), MINUTE)
    await eventually(
      async () => (await host.exec('proxy', 'sh', '-c', `[ -d /proc/${haproxy} ] || echo gone`)) === 'gone',
      MINUTE
    )
    stopped.abort()
    expect((await traffic).failures).toEqual([])
  })

  it('has HAProxy back when it is killed', async () => {
    const haproxy = await haproxyMaster()

    await host.exec('proxy', 'sh', '-c', `kill -9 ${haproxy}`)

    await eventually(async () => (await haproxyMaster()) !== haproxy && (await isReady()), MINUTE)
    const { answers } = await eventually(async () => {
      const round = await sendTraffic(web, { requests: 10 })
      return round.failures.length === 0 ? round : undefined
    }, MINUTE)
    expect(answers).toEqual(new Map([['web-1', 10]]))
  })

  it('leaves the record, says goodbye and drains, in this order, when it is stopped', async () => {
    await startProxy('other', OTHER, '198.51.100.11')
    await eventually(() => record().length === 2, MINUTE)
    expect(record()).toEqual(['198.51.100.10', '198.51.100.11'])
    await eventually(async () => (await appsOf()).web?.length === 1, MINUTE)

    const stopping = host.podman('stop', '--time', '60', 'other')
    const leftAt = await eventually(() => (record().length === 1 ? Date.now() : undefined), MINUTE)
    await stopping

    expect(record()).toEqual(['198.51.100.10'])
    const lines = await host.logs('other')
    const at = (message: string) => lines.findIndex((line) => line.includes(message))
    expect(at('"leaving"')).toBeGreaterThan(-1)
    expect(at('stopped: kontrol (exit status 0)')).toBeGreaterThan(at('"leaving"'))
    expect(at('stopped: haproxy (exit status 0)')).toBeGreaterThan(at('stopped: kontrol'))
    // supervisord prints `2026-11-22 13:57:28,923 INFO stopped: haproxy (exit status 0)`, in the container's UTC.
    const [day, time] = (lines[at('stopped: haproxy')] ?? '').split(' ')
    expect(Date.parse(`${day}T${time?.replace(',', '.')}Z`)).toBeGreaterThan(leftAt)
    // The goodbye reached the other master: the pod went by its word, and not by its silence.
    const heard = (await host.logs('proxy')).filter((line) => line.includes('"pod down"') && line.includes(OTHER))
    expect(heard.at(-1)).toContain('"reason":"down"')
  })
})

describe('two replicas that share etcd', () => {
  const published = () => zone.valuesOf('both.example.com', 'A') ?? []
  let etcd: EtcdCluster
  const ways = new Map<string, string>()

  const startReplica = async ({ name, ip, eip }: (typeof REPLICAS)[number]) => {
    const url = `http://${GATEWAY}:${ETCD_PORT}`
    await startProxy(name, ip, eip, { masters: MASTERS, domain: 'both.example.com', etcd: url })
  }
  const isComplete = async (ip: string) => {
    const control = await host.connect(ip, 8000)
    try {
      return (await isReady(control)) && (await appsOf(control)).web?.length === 2
    } finally {
      await control.destroy()
    }
  }

  beforeAll(async () => {
    etcd = await startEtcd()
    await host.offer(Number(new URL(etcd.hosts[0] ?? '').port), ETCD_PORT)
    for (const replica of REPLICAS) {
      await startReplica(replica)
      ways.set(replica.eip, await host.wayTo(replica.ip, 80))
    }
    for (const n of [1, 2]) await startWebPod(host, `shared-${n}`, `10.89.77.5${n}`, MASTERS)
    for (const { ip } of REPLICAS) await eventually(() => isComplete(ip), 2 * MINUTE)
    await eventually(() => published().length === 2, MINUTE)
  })

  afterAll(async () => {
    await etcd?.[Symbol.asyncDispose]()
  })

  it('lose no request when they are replaced one after the other, on kept and on new connections', async () => {
    // A client behind a resolver, which answers from its memory for as long as the record allows.
    let [answer, askedAt, turn] = [published(), performance.now(), 0]
    const clients = startClients(() => {
      if (performance.now() - askedAt >= RECORD_TTL * 1000) [answer, askedAt] = [published(), performance.now()]
      return ways.get(answer[(turn += 1) % answer.length] ?? '') ?? ''
    })

    for (const replica of REPLICAS) {
      await host.podman('stop', '--time', '60', replica.name)
      expect(published()).toEqual(REPLICAS.map(({ eip }) => eip).filter((eip) => eip !== replica.eip))
      await startReplica(replica)
      await eventually(() => isComplete(replica.ip), MINUTE)
      await eventually(() => published().length === 2, MINUTE)
    }
    // The last one has its share before the clients go.
    const before = new Map(clients.served.fresh)
    const grown = (eip: string, path = ways.get(eip) ?? '') =>
      (clients.served.fresh.get(path) ?? 0) > (before.get(path) ?? 0)
    await eventually(() => REPLICAS.every(({ eip }) => grown(eip)), MINUTE)
    await clients.stop()

    const total = (counts: Map<string, number>) => [...counts.values()].reduce((sum, one) => sum + one, 0)
    const [kept, fresh] = [total(clients.served.kept), total(clients.served.fresh)]
    process.stdout.write(`rolled: ${kept} requests on kept and ${fresh} on new connections\n`)
    expect(clients.failures).toEqual([])
    expect(Math.min(kept, fresh)).toBeGreaterThan(0)
  })

  it('answer every request for two minutes in which the control tier is killed, etcd away, a registry damaged', async () => {
    const [replica = { name: '', ip: '', eip: '' }] = REPLICAS
    const way = await host.wayTo(PROXY, 80)
    const clients = [startClients(() => ways.get(replica.eip) ?? ''), startClients(() => way)]
    let kills = 0
    const strike = async (name: string, andThen: string) => {
      const pid = await programPid('kontrol', name)
      // Nothing to kill between a death and the next start.
      if (pid > 0) kills += 1
      await host.exec(name, 'sh', '-c', `${pid > 0 ? `kill -9 ${pid}` : ':'}; ${andThen}`)
    }

    await etcd.killAll()
    const until = performance.now() + 2 * MINUTE
    while (performance.now() < until) {
      await strike(replica.name, ':')
      await strike('proxy', 'head -c 8192 /dev/urandom | dd of=/data/registry/data.mdb conv=notrunc status=none')
      await sleep(2000)
    }
    await etcd.startAll()
    await eventually(() => isComplete(replica.ip), 2 * MINUTE)
    await eventually(async () => (await isReady()) && (await appsOf()).web?.length === 1, 2 * MINUTE)
    for (const one of clients) await one.stop()

    process.stdout.write(`killed ${kills} times\n`)
    expect(clients.flatMap(({ failures }) => failures)).toEqual([])
    for (const { served } of clients) expect(Math.min(served.kept.size, served.fresh.size)).toBe(1)
    expect(kills).toBeGreaterThan(10)
    expect((await host.logs('proxy')).some((line) => line.includes('registry set aside'))).toBe(true)
    expect((await host.logs(replica.name)).some((line) => line.includes('waiting for etcd'))).toBe(true)
  }, 480_000)
})

describe('the image in a cluster', () => {
  it('learns from the API who it is, and follows its annotations without a restart', async () => {
    await using kube = await startKubeApi('haproxy-7c9d-x1', GATEWAY)
    const returning = (word: string) =>
      `frontend proxy\n  bind *:80\n  mode http\n  http-request return status 200 content-type text/plain string ${word}\n`
    kube.pod.status.podIP = IN_CLUSTER
    kube.pod.metadata.annotations = {
      'kontrol.unity3d.com/master': IN_CLUSTER,
      'haproxy.unity3d.com/config': returning('first')
    }
    await host.offer(Number(kube.env.KUBERNETES_SERVICE_PORT), KUBE_PORT)
    const env = [
      `KUBERNETES_SERVICE_HOST=${GATEWAY}`,
      `KUBERNETES_SERVICE_PORT=${KUBE_PORT}`,
      `KONTROL_ID=haproxy-7c9d-x1`
    ]
    const mount = `${kube.serviceAccount}:/var/run/secrets/kubernetes.io/serviceaccount:ro`
    await host.run('clustered', IN_CLUSTER, IMAGE, ['--volume', mount, ...env.flatMap((one) => ['--env', one])])
    const clustered = await host.connect(IN_CLUSTER, 80)
    const control = await host.connect(IN_CLUSTER, 8000)
    const says = async () => [...(await sendTraffic(clustered, { requests: 1 })).answers.keys()][0]
    try {
      await eventually(async () => (await says()) === 'first', MINUTE)
      await eventually(() => kube.watching() === 1)
      const { pods } = await getJson<{ pods: unknown[] }>('/api/v1/pods', control)
      expect(pods).toMatchObject([{ app: 'haproxy', role: 'balancer', id: 'haproxy-7c9d-x1', ip: IN_CLUSTER }])

      const editedAt = performance.now()
      kube.annotate('haproxy.unity3d.com/config', returning('second'))
      await eventually(async () => (await says()) === 'second', MINUTE)
      process.stdout.write(`annotation edited and served after ${(performance.now() - editedAt).toFixed(0)} ms\n`)
    } finally {
      await clustered.destroy()
      await control.destroy()
    }
  })
})

describe('the Deployment of docker/kubernetes', () => {
  it('serves a request when podman plays it', async () => {
    await host.play(playableManifest(PLAYED), PLAYED)
    await startWebPod(host, 'web-9', '10.89.77.29', PLAYED)
    const played = await host.connect(PLAYED, 8080)
    try {
      const { answers } = await eventually(async () => {
        const round = await sendTraffic(played, { requests: 4 })
        return round.failures.length === 0 ? round : undefined
      }, MINUTE)

      expect(answers).toEqual(new Map([['web-9', 4]]))
    } finally {
      await played.destroy()
    }
  })
})

describe('the base of other images', () => {
  const base = 'localhost/kontrol-base'
  beforeAll(async () => {
    await buildImage(host, 'localhost/debian:trixie', base, ['--target', 'kontrol-base'])
  }, 900_000)

  it('has what callbacks and steps of such images use', async () => {
    const tools = 'jq curl nc bc busybox supervisorctl socat /usr/bin/kontrol /usr/bin/automaton /usr/bin/python'
    const script = `set -e; for tool in ${tools}; do command -v $tool; done; python -c 'import jinja2, msgpack, zerorpc, zmq'; pwd`

    const said = await host.podman('run', '--rm', '--network', 'none', '--entrypoint', 'bash', base, '-c', script)

    expect(said.split('\n').at(-1)).toBe('/home/kontrol')
  })

  it('carries the sample of Redis: the first pod leads, the other follows it', async () => {
    const image = await buildSample(host, 'redis', base)
    for (const [index, ip] of REDIS.entries()) {
      const env = {
        KONTROL_ID: `redis-${index}`,
        KONTROL_IP: ip,
        KONTROL_LABELS: '{"app": "redis", "role": "member"}',
        KONTROL_ANNOTATIONS: JSON.stringify({ 'kontrol.unity3d.com/master': REDIS[0] })
      }
      await host.run(
        `redis-${index}`,
        ip,
        image,
        Object.entries(env).flatMap(([key, value]) => ['--env', `${key}=${value}`])
      )
      // Who is first is who is heard first.
      await eventually(async () => (await host.exec('redis-0', 'kontrol', 'pods')).includes(`redis-${index}`), MINUTE)
    }

    await eventually(async () => {
      const roles = await Promise.all(
        REDIS.map(async (_, index) => await host.exec(`redis-${index}`, 'redis-cli', 'info', 'replication'))
      )
      expect(roles[0]).toMatch(/role:master\r?\nconnected_slaves:1/)
      expect(roles[1]).toMatch(new RegExp(`role:slave\\r?\\nmaster_host:${REDIS[0]}`))
      return true
    }, 2 * MINUTE)
  }, 900_000)
})

describe('the image on Debian 12', () => {
  it('is built with the Node of another image, and is ready', async () => {
    const image = `${IMAGE}:bookworm`
    await buildImage(host, await makeBase(host, 'bookworm'), image)
    await startProxy('twelve', TWELVE, '198.51.100.12', { image })
    const twelve = await host.connect(TWELVE, 8000)
    try {
      await eventually(() => isReady(twelve), MINUTE)

      expect(await host.exec('twelve', 'haproxy', '-v')).toMatch(/^HAProxy version 2\.6\./)
      expect(await host.exec('twelve', 'supervisorctl', 'pid', 'haproxy')).toMatch(/^\d+$/)
    } finally {
      await twelve.destroy()
    }
  }, 900_000)
})
