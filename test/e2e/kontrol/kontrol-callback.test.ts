import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { eventually } from '../../support/eventually.ts'
import { freePort } from '../../support/free-port.ts'
import { createService, type RunningService } from '../../support/service/start-service.ts'
import { tempDir } from '../../support/temp-dir.ts'

/** Reads what Kontrol hands over, and says who has to be told what; shared by both generations below. */
const commandsInPython = `
import hashlib, json, os, sys

def given(name, default):
    if name in os.environ:
        return json.loads(os.environ[name])
    with open(os.environ[name + '_FILE']) as file:
        return json.loads(file.read() or default)

pods, last = given('PODS', '[]'), given('STATE', '{}')
hosts = {}
for pod in pods:
    if pod['app'] != 'haproxy':
        hosts.setdefault(pod['app'], []).append(pod['ip'])
proxies = sorted(pod['id'] for pod in pods if pod['app'] == 'haproxy')
md5 = hashlib.md5(json.dumps([hosts, proxies], sort_keys=True).encode()).hexdigest()
`

/** As the callback of the original's proxies: it tells each of them by PUT /script. */
const httpCallback = (ports: Ports) => `${commandsInPython}
import urllib.request
ports = ${JSON.stringify(ports)}
if md5 != last.get('md5'):
    for id in proxies:
        port, socket = ports[id]
        body = {'cmd': "echo WAIT configure '%s' | socat -t 60 - %s" % (json.dumps(hosts), socket)}
        url = 'http://127.0.0.1:%d/script' % port
        request = urllib.request.Request(url, data=json.dumps(body).encode(), method='PUT')
        with urllib.request.urlopen(request) as response:
            assert response.read() == b'OK'
print(json.dumps({'md5': md5, 'pods': len(pods)}))
`

/** The same over ZeroRPC, by npm's client. */
const zerorpcCallback = (ports: Ports) => `
const { readFileSync } = require('node:fs')
const { Client } = require(${JSON.stringify(join(import.meta.dirname, '../../support/zerorpc/zerorpc.cjs'))})
const ports = ${JSON.stringify(ports)}
const pods = JSON.parse(process.env.PODS ?? readFileSync(process.env.PODS_FILE, 'utf8'))
const hosts = {}
for (const { app, ip } of pods) if (app !== 'haproxy') (hosts[app] ??= []).push(ip)
const told = pods.filter(({ app }) => app === 'haproxy').map(({ id }) => new Promise((resolve, reject) => {
  const [port, socket] = ports[id]
  const client = new Client()
  client.connect('tcp://127.0.0.1:' + port)
  const cmd = "echo WAIT configure '" + JSON.stringify(hosts) + "' | socat -t 60 - " + socket
  client.invoke('invoke', JSON.stringify({ cmd }), (error, answer) => {
    client.close()
    if (error || answer !== 'OK') reject(new Error(String(error?.message ?? answer)))
    else resolve()
  })
}))
Promise.all(told).then(() => console.log(JSON.stringify({ pods: pods.length })), (error) => {
  console.error(error)
  process.exitCode = 1
})
`

/** The same with the Python module of the image that other services build on. */
const pythonZerorpcCallback = (ports: Ports) => `${commandsInPython}
sys.dont_write_bytecode = True
sys.path.insert(0, ${JSON.stringify(join(import.meta.dirname, '../../../docker/kontrol-base'))})
import zerorpc
ports = ${JSON.stringify(ports)}
if md5 != last.get('md5'):
    for id in proxies:
        port, socket = ports[id]
        client = zerorpc.Client()
        client.connect('tcp://127.0.0.1:%d' % port)
        cmd = "echo WAIT configure '%s' | socat -t 60 - %s" % (json.dumps(hosts), socket)
        assert client.invoke(json.dumps({'cmd': cmd})) == 'OK'
        try:
            client.nothing_of_the_kind()
            raise AssertionError('a method that is not there was answered')
        except zerorpc.RemoteError as error:
            assert error.name == 'NameError', error
            assert str(error) == 'NameError: nothing_of_the_kind', str(error)
        client.close()
print(json.dumps({'md5': md5, 'pods': len(pods)}))
`

/** Port and socket of each proxy by its pod id: on one machine they cannot all have port 8000. */
type Ports = Record<string, readonly [port: number, socket: string]>

const template = (port: number) => `
frontend proxy
  mode http
  bind 127.0.0.1:${port}
  default_backend web

backend web
  mode http
  # {{ hosts.get('web', [])|length }} backends
  {%- for ip in hosts.get('web', [])[:3] %}
  server web-{{ loop.index }} {{ ip }}:80
  {%- endfor %}
`

const stops: (() => PromiseLike<unknown>)[] = []

async function create(env: NodeJS.ProcessEnv): Promise<RunningService> {
  const service = await createService({ env })
  stops.push(() => service[Symbol.asyncDispose]())
  return service
}

/** A master with a callback, and two proxies that do what it sends them. */
async function startFleet(program: string, callback: (ports: Ports) => string) {
  const folder = await tempDir()
  stops.push(() => folder[Symbol.asyncDispose]())
  // The ending tells Node which kind of module it is.
  const path = folder.file('callback.cjs')
  const master = await create({
    KONTROL_LABELS: '{"app":"control","role":"master"}',
    KONTROL_DAMPER: '0.2',
    KONTROL_CALLBACK: `${program} '${path}'`
  })
  const proxies = await Promise.all(
    [1, 2].map(async (n) =>
      create({
        KONTROL_MODE: 'slave',
        KONTROL_ID: `proxy-${n}`,
        KONTROL_IP: `127.0.1.${n}`,
        KONTROL_ANNOTATIONS: JSON.stringify({
          'kontrol.unity3d.com/master': `127.0.0.1:${master.port}`,
          'haproxy.unity3d.com/config': template(await freePort())
        })
      })
    )
  )
  const ports = Object.fromEntries(
    proxies.map(({ port, data }, i) => [`proxy-${i + 1}`, [port, join(data, 's')] as const])
  )
  await writeFile(path, callback(ports))
  await Promise.all([master, ...proxies].map((service) => service.start()))
  return { master, proxies }
}

const configurations = (proxies: readonly RunningService[]) =>
  Promise.all(proxies.map(async (proxy) => (await proxy.get('/api/v1/config')).body))

describe('a callback written for Kontrol', { timeout: 120_000 }, () => {
  afterEach(async () => {
    for (const stop of stops.splice(0).reverse()) await stop()
  })

  it.each([
    ['talks back by PUT /script', '/usr/bin/python3', httpCallback],
    ['talks back by ZeroRPC', 'node', zerorpcCallback],
    ["talks back by ZeroRPC, with the base image's Python module", '/usr/bin/python3', pythonZerorpcCallback]
  ])('that %s drives two proxies', async (_what, program, callback) => {
    const { master, proxies } = await startFleet(program, callback)

    await master.ping('10.0.0.1')
    await master.ping('10.0.0.2')
    await eventually(async () => {
      for (const text of await configurations(proxies)) {
        expect(text).toContain('server web-1 10.0.0.1:80')
        expect(text).toContain('server web-2 10.0.0.2:80')
      }
      return true
    }, 30_000)
    await master.ping('10.0.0.1', { down: true })
    await eventually(async () => {
      for (const text of await configurations(proxies)) {
        expect(text).toContain('server web-1 10.0.0.2:80')
        expect(text).not.toContain('10.0.0.1')
      }
      return true
    }, 30_000)

    await eventually(async () => (await master.json<{ pods: number }>('/state')).pods === 3)
  })

  it('still drives them with 5,000 pods', async () => {
    const { master, proxies } = await startFleet('/usr/bin/python3', httpCallback)

    for (let n = 0; n < 5000; n += 100) {
      await Promise.all(Array.from({ length: 100 }, (_, i) => master.ping(`10.1.${(n + i) >> 8}.${(n + i) & 255}`)))
    }

    await eventually(async () => {
      for (const text of await configurations(proxies)) expect(text).toContain('# 5000 backends')
      return true
    }, 60_000)
  })
})
