import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { request } from 'undici'
import { describe, expect, it } from 'vitest'
import { eventually } from '../../support/eventually.ts'
import { startBackend } from '../../support/haproxy/start-backend.ts'
import { ownAddress, ownPort } from '../../support/haproxy/start-haproxy.ts'
import { startService } from '../../support/service/start-service.ts'
import { tempDir } from '../../support/temp-dir.ts'

const PYTHON = '/usr/bin/python3'

/** What Python's json is given; both sides of the comparison are Python's. */
const PAYLOADS = `[
  None,
  {"int": 12345678901234567890, "negative": -98765432109876543210, "edge": 2 ** 53 + 1},
  {"float": 1.0, "zero": 0.0, "small": 1e-07, "big": 1e22, "third": 1 / 3, "huge": 1.5e300},
  {"nan": float("nan"), "inf": float("inf"), "ninf": [float("-inf")]},
  {"surrogate": "\\ud83d alone", "null": "\\0", "pair": "\\U0001f600\\u0301"},
  {"uni": "Grüße 世界 😀 \\u2028 \\x7f", "😀": {"deep": [[["é", None, {"ü": ""}]]]}},
  {"10": 1, "9": 2, "a": {"2": None, "1": False}},
  {"empty": [{}, [], "", 0, False, None]},
  "text", "", 5, 2.0, True, [], {},
]`

const py = (program: string, ...args: string[]): string =>
  execFileSync(PYTHON, ['-c', `import json, sys\nPAYLOADS = ${PAYLOADS}\n${program}`, ...args], { encoding: 'utf8' })

const PAYLOAD_COUNT = Number(py('print(len(PAYLOADS))'))

/** Keepalives as Kontrol's slaves send them, without a payload the last one. */
const SAID = `
def said(i, payload, **more):
  pod = dict({"app": "web", "id": "web-%d" % i, "ip": "10.0.0.%d" % (i + 1), "key": "k%d" % i, "role": "r"}, **more)
  if payload is not ...: pod["payload"] = payload
  return json.dumps(pod, sort_keys=True)
def send_all(send):
  if len(sys.argv) > 2: send(said(0, PAYLOADS[0], ip=sys.argv[2]))
  else:
    for i, payload in enumerate(PAYLOADS + [...]): send(said(i, payload))
`

/** As zerorpc-python puts a call on the wire: one event in msgpack behind an empty frame, from a DEALER. */
const zerorpc = (packing: string): string => `${SAID}
import msgpack, uuid, zmq
socket = zmq.Context.instance().socket(zmq.DEALER)
socket.setsockopt(zmq.LINGER, 0)
socket.setsockopt(zmq.RCVTIMEO, 30000)
socket.connect("tcp://127.0.0.1:" + sys.argv[1])
def send(text):
  header = {"message_id": uuid.uuid4().hex.encode(), "v": 3}
  socket.send_multipart([b"", msgpack.packb((header, "ping", (text,)), ${packing})])
  while True:
    _, name, result = msgpack.unpackb(socket.recv_multipart()[-1], raw=False)
    if name != "_zpc_hb": break
  assert (name, result) == ("OK", [None]), (name, result)
send_all(send)`

const SENDERS: Record<string, string> = {
  HTTP: `${SAID}
from http.client import HTTPConnection
def send(text):
  connection = HTTPConnection("127.0.0.1", int(sys.argv[1]))
  connection.request("PUT", "/ping", text)
  answer = connection.getresponse()
  assert (answer.status, answer.read()) == (200, b""), answer.status
send_all(send)`,
  'ZeroRPC by Python 3': zerorpc('use_bin_type=True'),
  'ZeroRPC by Python 2': zerorpc('use_bin_type=False')
}

/** "equal", or the first that is not: what Python reads in the file next to what it wrote. NaN is compared by its name. */
const comparison = (file: string): string =>
  py(
    `
pods = {pod["id"]: pod for pod in json.load(open(sys.argv[1]))}
for i, payload in enumerate(PAYLOADS):
  kept = pods["web-%d" % i].get("payload")
  if repr(kept) != repr(payload) and json.dumps(kept, sort_keys=True) != json.dumps(payload, sort_keys=True):
    sys.exit("web-%d: sent %r, kept %r" % (i, payload, kept))
assert "payload" not in pods["web-%d" % len(PAYLOADS)] or pods["web-%d" % len(PAYLOADS)]["payload"] is None
print("equal")`,
    file
  ).trim()

describe('payloads', () => {
  it.each(Object.entries(SENDERS))(
    'sent over %s read equal in a Python callback, and stay so over a restart',
    async (_, sender) => {
      await using folder = await tempDir()
      const copy = folder.file('pods.json')
      const callback = folder.file('callback.py')
      writeFileSync(
        callback,
        `#!${PYTHON}\nimport os\npods = os.environ.get("PODS") or open(os.environ["PODS_FILE"]).read()\nopen("${copy}.new", "w").write(pods)\nos.replace("${copy}.new", "${copy}")\nprint("{}")\n`
      )
      chmodSync(callback, 0o755)
      await using service = await startService({ env: { KONTROL_CALLBACK: callback, KONTROL_DAMPER: '0.2' } })
      const send = (...args: string[]) => py(sender, String(service.port), ...args)
      send()
      await eventually(() => podsIn(copy) === PAYLOAD_COUNT + 1, 30_000)

      expect(comparison(copy)).toBe('equal')

      await service.kill('SIGKILL')
      rmSync(copy)
      await service.start()
      send('10.0.0.99')
      await eventually(() => existsSync(copy), 30_000)
      expect(comparison(copy)).toBe('equal')

      const listed = await (await request(`${service.url}/api/v1/pods`)).body.text()
      expect(listed).toContain('"int":12345678901234567890')
      expect(listed).toContain('"float":1.0')
      expect(listed).toContain('"nan":"NaN"')
      expect(() => JSON.parse(listed) as unknown).not.toThrow()
    }
  )

  it('that are null, absent or all wrong change nothing for the others', async () => {
    await using folder = await tempDir()
    await using service = await startService()
    const put = async (body: string) => (await request(`${service.url}/ping`, { method: 'PUT', body })).statusCode
    const pod = (n: number, more: string) =>
      put(`{"app":"web","id":"web-${n}","ip":"10.0.0.${n}","key":"k${n}","role":"r"${more}}`)

    expect(await pod(1, ',"payload":{"weight":null}')).toBe(200)
    expect(await pod(2, ',"payload":null')).toBe(200)
    expect(await pod(3, '')).toBe(200)
    expect(await pod(4, `,"payload":${'['.repeat(20_000)}${']'.repeat(20_000)}`)).toBe(200)
    expect(await pod(5, `,"payload":{"x":NaN,"y":${'9'.repeat(5_000)}}`)).toBe(200)
    expect(await put('{"app":7,"id":[],"ip":"x","key":null,"role":{},"payload":NaN}')).toBe(400)
    expect(await pod(6, ',"payload":{"weight":20}')).toBe(200)

    const template = folder.file('t.j2')
    writeFileSync(
      template,
      '{% for pod in pods.web %}{{ pod.id }} {{ pod.payload.weight }};{% endfor %}{{ hosts.web|length }}'
    )
    const main = join(import.meta.dirname, '../../../dist/main.js')
    expect(
      execFileSync(process.execPath, [main, 'render', '--template', template, '--from', service.url], {
        encoding: 'utf8'
      })
    ).toBe('web-1 None;web-2 ;web-3 ;web-4 ;web-5 ;web-6 20;6\n')

    const { pods } = await service.json<{ pods: { id: string; payload: unknown }[] }>('/api/v1/pods')
    expect(pods.map(({ id, payload }) => [id, payload])).toEqual([
      ['web-1', { weight: null }],
      ['web-2', null],
      ['web-3', null],
      ['web-4', null],
      ['web-5', null],
      ['web-6', { weight: 20 }]
    ])
  })
})

describe('payloads that a template reads, seen by the clients of HAProxy', () => {
  it('of two apps on the network of one host reach both, which HAProxy serves side by side', async () => {
    const ip = ownAddress()
    const [webPort, dbPort] = [ownPort(), ownPort()]
    const [webFront, dbFront] = [`${ownAddress()}:${ownPort()}`, `${ownAddress()}:${ownPort()}`]
    await using web = await startBackend(ip, webPort)
    await using db = await startBackend(ip, dbPort)
    const section = (app: string, front: string) =>
      `listen ${app}\n  bind ${front}\n{% for pod in pods.${app} %}\n  server {{ pod.id }} {{ pod.ip }}:{{ pod.payload.port }}\n{% endfor %}\n`
    await using service = await startService({
      template: `defaults\n  mode http\n  timeout client 5s\n  timeout server 5s\n  timeout connect 5s\n${section('web', webFront)}${section('db', dbFront)}`,
      env: { KONTROL_MODE: 'master,slave', KONTROL_DAMPER: '0.2' }
    })
    const ping = (app: string, port: number, more = {}) =>
      service.ping(ip, { app, id: `${app}-1`, nonce: `of-${app}`, payload: { port }, ...more })
    const both = async (): Promise<void> => {
      await ping('web', webPort)
      await ping('db', dbPort)
    }
    const status = async (front: string) => {
      const { statusCode, body } = await request(`http://${front}/`)
      await body.dump()
      return statusCode
    }

    await both()
    await both()
    await service.ready()
    await eventually(async () => (await status(webFront)) === 200 && (await status(dbFront)) === 200, 30_000)
    expect([web.served(), db.served()].every((count) => count > 0)).toBe(true)
    const { pods } = await service.json<{ pods: { app: string; key: string; ip: string }[] }>('/api/v1/pods')
    const key = ip.replaceAll('.', '-')
    expect(pods.filter(({ app }) => app !== 'haproxy').map((pod) => [pod.app, pod.key, pod.ip])).toEqual([
      ['db', key, ip],
      ['web', `${key}.web`, ip]
    ])

    const rounds = async () =>
      (await service.json<{ reconfigurations: unknown[] }>('/api/v1/reconfigurations')).reconfigurations.length
    const before = await rounds()
    for (let i = 0; i < 10; i++) await both()
    // A change of another app goes through after all of theirs, and is the only one.
    await service.ping(ownAddress(), { app: 'other' })
    await eventually(async () => (await rounds()) > before)
    expect(await rounds()).toBe(before + 1)
    expect(service.output.match(/apps share a key/g)).toHaveLength(1)

    await ping('db', dbPort, { down: true })
    await eventually(async () => (await status(dbFront)) === 503)
    expect(await status(webFront)).toBe(200)
  })
})

/** Python's text as something that JSON.parse can count. */
const lenient = (text: string): string => text.replaceAll(/-?(NaN|Infinity)/g, '0')

const podsIn = (file: string): number =>
  existsSync(file) ? (JSON.parse(lenient(readFileSync(file, 'utf8'))) as unknown[]).length : 0
