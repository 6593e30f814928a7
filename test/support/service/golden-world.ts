import { writeFile } from 'node:fs/promises'
import { programVersion } from '../../../src/platform/process/program-version.ts'
import { Route53Double } from '../dns/route53-double.ts'
import { eventually } from '../eventually.ts'
import { freePort } from '../free-port.ts'
import { startHttpBackend } from '../haproxy/http-backend.ts'
import { tempDir } from '../temp-dir.ts'
import { startService, type RunningService } from './start-service.ts'

const POD = 'web-7d4b9c6f5d-'

interface Haproxy {
  proxies: { name: string; servers: { name: string; status: string }[] }[]
}

/** A control tier with an HAProxy, of which all is the same each time but for ports, times and versions. */
export interface GoldenWorld extends AsyncDisposable {
  service: RunningService
  /** A file of its own folder. */
  file: (name: string) => string
  /** Resolves once it is known what goes through HAProxy, which takes some seconds. */
  rated: () => Promise<void>
  /** Edits the template behind the last line. */
  append(text: string): Promise<void>
  /** Without what differs by nature; columns of tables stay in line. */
  stable(text: string): string
}

/** Two servers that are up, one that is down, and a backend without a server that takes requests. */
export async function startGoldenWorld(): Promise<GoldenWorld> {
  const dir = await tempDir()
  const double = await Route53Double.start()
  double.firstStatus = 'INSYNC'
  double.addZone('Z1', 'example.com')
  const first = await startHttpBackend('first', '127.0.0.2')
  const second = await startHttpBackend('second', '127.0.0.3', first.port)
  const port = await freePort()
  const template = templateOf(port, first.port)
  await writeFile(dir.file('template'), template)
  const service = await startService({ env: { ...environment(dir.file('template')), ...double.env } })
  const end = async (): Promise<void> => {
    for (const part of [service, second, first, double, dir]) await part[Symbol.asyncDispose]()
  }
  try {
    await service.ready()
    await populate(service)
  } catch (error) {
    await end()
    throw error
  }
  return {
    service,
    file: (name) => dir.file(name),
    rated: async () => await waitForRates(service),
    append: async (text) => await writeFile(dir.file('template'), `${template}${text}`),
    stable: stabilizer(service, [port, first.port], dir.path),
    [Symbol.asyncDispose]: end
  }
}

const templateOf = (port: number, backendPort: number): string => `frontend proxy
  mode http
  bind 127.0.0.1:${port}
  default_backend web
backend web
  mode http
{% for pod in pods['web'] %}
  server {{ pod.id }} {{ pod.ip }}:${backendPort} check inter 200ms
{% endfor %}
backend api-of-the-billing
  mode http
{% for pod in pods['api'] %}
  server {{ pod.id }} {{ pod.ip }}:${backendPort} check inter 200ms
{% endfor %}
`

const environment = (template: string): NodeJS.ProcessEnv => ({
  KONTROL_MODE: 'master,slave',
  KONTROL_ID: 'proxy-1',
  KONTROL_IP: '127.0.0.1',
  KONTROL_EIP: '203.0.113.1',
  KONTROL_TTL: '600',
  KONTROL_DAMPER: '0.1',
  KONTROL_CONFIG_FILE: template,
  KONTROL_ANNOTATIONS: JSON.stringify({
    'kontrol.unity3d.com/master': '127.0.0.1',
    'haproxy.unity3d.com/route53': 'www.example.com',
    'haproxy.unity3d.com/route53-ttl': '0'
  })
})

/** One pod after the other, so that each is a reconfiguration. */
async function populate(service: RunningService): Promise<void> {
  const joins = async (ip: string, app: string, id: string): Promise<void> => {
    await service.ping(ip, { app, id })
    await eventually(async () => (await service.get('/api/v1/config')).body.includes(`server ${id} `))
  }
  await joins('127.0.0.2', 'web', `${POD}x2k2p`)
  await joins('127.0.0.3', 'web', `${POD}m8zq4`)
  await joins('127.0.0.4', 'web', `${POD}t5wvn`)
  await joins('127.0.0.5', 'api', 'api-1')
  await eventually(async () => {
    const { proxies } = await service.json<Haproxy>('/api/v1/haproxy')
    const found = proxies.flatMap(({ servers }) => servers.map(({ status }) => status)).join()
    if (found !== 'UP,UP,DOWN,DOWN') throw new Error(`the servers are ${found}`)
    return true
  })
  await eventually(async () => (await service.get('/api/v1/dns')).body.includes('INSYNC'))
}

/** Rates are known from the second look at HAProxy on. */
async function waitForRates(service: RunningService): Promise<void> {
  await eventually(async () => {
    const { proxies } = await service.json<{ proxies: { requests: unknown[] }[] }>('/api/v1/traffic')
    return proxies.length > 0 && proxies.every(({ requests }) => requests.at(-1) === 0)
  }, 30_000)
}

/** As wide as what it stands for, wherever columns or the ends of lines depend on it. */
function stabilizer(service: RunningService, [port, backendPort]: readonly number[], folder: string) {
  return (text: string): string =>
    text
      .replaceAll(String(service.port), '11111')
      .replaceAll(String(port), '22222')
      .replaceAll(String(backendPort), '33333')
      .replaceAll(folder, '/tmp/x')
      .replaceAll(service.data, '/var/lib/kontrol')
      .replaceAll(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g, '2026-01-02T03:04:05.678Z')
      .replaceAll(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/g, '2026-01-02T03:04:05Z')
      .replaceAll(/\b[0-9a-f]{2}(?::[0-9a-f]{2}){15}\b/g, '00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee:ff')
      .replaceAll(/\b\d+ (?:s|min) ago/g, '5 s ago')
      .replaceAll(/ for \d+ (?:s|min) \(/g, ' for 5 s (')
      .replaceAll(/^(haproxy +)\S+, up \d+ \w+,/gm, '$12.6.12-1, up 5 s,')
      .replaceAll(/^(control tier +)\S+/gm, `$10.1.0`)
      .replaceAll(new RegExp(`^${programVersion.replaceAll('.', '[.]')}$`, 'gm'), '0.1.0')
      // SEEN of `kontrol pods`, with the heading behind it, and TOOK MS of `kontrol history`, which its heading is wider than.
      .replaceAll(/ SEEN +STATUS$/gm, ' SEEN  STATUS')
      .replaceAll(/ \d+ (?:s|min) +(live|held)$/gm, ' 5 s   $1')
      .replaceAll(/^(\d+ +\S+Z +\S+ +\S+ +)(\d+)( +)/gm, (_, before: string, ms: string, gap: string) => {
        return before + '5'.padEnd(ms.length + gap.length)
      })
      // SINCE of `kontrol servers` and `kontrol top`, which its heading is as wide as.
      .replaceAll(/( UP +| DOWN +)(\d+ (?:s|min) *)/g, (_, before: string, since: string) => {
        return before + '5 s'.padEnd(since.length)
      })
      .replaceAll(/^(took +).*/gm, (line) => line.replaceAll(/\d+\.\d/g, '5.5'))
}
