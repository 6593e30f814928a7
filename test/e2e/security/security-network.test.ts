import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Agent, request } from 'undici'
import { describe, expect, it } from 'vitest'
import { selfSigned } from '../../support/certificates.ts'
import { Route53Double } from '../../support/dns/route53-double.ts'
import { eventually } from '../../support/eventually.ts'
import { freePort } from '../../support/free-port.ts'
import { HERE, PROXY, STRANGER } from '../../support/neighbours/network-namespace.ts'
import { connectRaw, event, GREETING, message, READY_DEALER } from '../../support/zerorpc/raw-zerorpc.ts'
import { serviceInNamespace, type ServiceInNamespace } from '../../support/service/service-in-namespace.ts'
import { startAutomatonProcess } from '../../support/service/start-automaton-process.ts'
import type { ServiceOptions } from '../../support/service/start-service.ts'
import { tempDir } from '../../support/temp-dir.ts'

const keepalive = (app: string, ip: string, more = {}) => ({
  app,
  id: `${app}-1`,
  ip,
  key: ip.replace(/[.:]/g, '-'),
  role: 'r',
  ...more
})

async function started(options: ServiceOptions): Promise<ServiceInNamespace> {
  const subject = await serviceInNamespace(options)
  await subject.service.start()
  return subject
}

/** What a stranger's ping over ZeroRPC is answered with. */
async function zerorpcPing({ bridgeFrom }: Pick<ServiceInNamespace, 'bridgeFrom'>, said: object): Promise<string> {
  const { socket, received } = await connectRaw(await bridgeFrom(STRANGER))
  socket.write(Buffer.concat([GREETING, READY_DEALER, message(event('ping', [JSON.stringify(said)], 'python 3'))]))
  const answer = await eventually(() => {
    const text = received().subarray(90).toString('latin1')
    return /OK|ERR/.test(text) ? text : undefined
  })
  socket.destroy()
  return answer
}

async function metric({ ask }: ServiceInNamespace, line: string): Promise<number> {
  const { body } = await ask.loopback('GET', '/metrics')
  const found = body.split('\n').find((text) => text.startsWith(`${line} `))
  return Number(found?.slice(line.length + 1))
}

/** Pods say where HAProxy connects to. */
const withPortsOfPods = (port: number): string => `frontend f
  mode http
  timeout client 5s
  bind *:${port}
  default_backend web
backend web
  mode http
  timeout connect 1s
  timeout server 5s
  timeout queue 1s
{% for pod in pods.web %}  server {{ pod.key }} {{ pod.ip }}:{{ pod.payload.port }}
{% endfor %}`

/** What HAProxy answers to a client from elsewhere. */
async function clientOf({ network }: ServiceInNamespace, port: number): Promise<() => Promise<string>> {
  const dispatcher = await network.dispatcher({ from: PROXY, to: HERE, port })
  return async () => {
    const { statusCode, body } = await request(`http://${HERE}:${port}/`, { dispatcher, reset: true })
    return `${statusCode} ${await body.text()}`
  }
}

describe('an automaton that is another process than the control tier', () => {
  it('is not ended from the network, and takes what Kontrol sends (case 1)', async () => {
    await using automaton = await startAutomatonProcess(`
initial: A
terminal: C
states:
- tag: A
  next: [B, last]
- tag: B
  shell: test -z "$COLOUR" || printf %s "$COLOUR $INPUT" > $DIR/seen
  next: [A, B]
- tag: configure
- tag: C
`)
    const { socketPath } = automaton
    await using subject = await started({ env: { KONTROL_AUTOMATON: 'off', KONTROL_SOCKET: socketPath } })
    const { stranger, loopback, proxy } = subject.ask
    const script = (text: string) => ({ cmd: `echo ${text} | socat - ${socketPath}` })

    const refused = ['GOTO C', 'WAIT C', 'DIE', 'SET PATH /tmp', 'SET OTHER x', `WAIT configure '{"a":["10.0.0.1"]}'`]
    for (const text of refused) {
      const { status, code } = await stranger('PUT', '/script', script(text))
      expect([text, status, code]).toEqual([text, 403, 'KTL_FORBIDDEN'])
    }
    expect(await automaton.socat('STATE')).toBe('A')
    for (const text of ['SET COLOUR blue', 'WAIT B first']) {
      expect((await stranger('PUT', '/script', script(text))).body).toBe('OK')
    }
    expect((await stranger('PUT', '/script', script('STATE'))).body).toBe('B')
    expect((await proxy('PUT', '/ping', keepalive('haproxy', PROXY))).status).toBe(200)
    expect((await proxy('PUT', '/script', script(`GOTO configure '{"a":["10.0.0.1"]}'`))).body).toBe('KO')
    expect((await loopback('PUT', '/script', script('DIE'))).body).toBe('OK')
    await eventually(async () => (await automaton.socat('STATE')) === 'C')
  })
})

describe('a stranger who calls himself a proxy (case 4)', () => {
  const annotations = JSON.stringify({
    'haproxy.unity3d.com/config': 'frontend web\n  mode http\n  bind unix@{{ env.KONTROL_DATA }}/web.sock\n',
    'haproxy.unity3d.com/route53': 'foo.bar.com',
    'haproxy.unity3d.com/route53-ttl': '0',
    'kontrol.unity3d.com/master': '127.0.0.1'
  })
  const env = {
    KONTROL_MODE: 'master,slave',
    KONTROL_EIP: '203.0.113.1',
    KONTROL_DAMPER: '0',
    KONTROL_ANNOTATIONS: annotations
  }

  async function withDns(double: Route53Double, more: NodeJS.ProcessEnv = {}): Promise<ServiceInNamespace> {
    const subject = await serviceInNamespace({ env: { ...env, ...double.env, ...more } })
    await subject.network.reach(Number(new URL(double.env.AWS_ENDPOINT_URL_ROUTE_53 ?? '').port))
    await subject.service.start()
    return subject
  }

  it('publishes nothing that leads no client to a proxy, and pushes no proxy out', async () => {
    await using double = await Route53Double.start()
    const zone = double.addZone('Z1', 'bar.com')
    await using subject = await withDns(double)
    await eventually(() => zone.valuesOf('foo.bar.com', 'A')?.join() === '203.0.113.1')
    const bad = [
      '127.0.0.1',
      '0.0.0.0',
      '169.254.169.254',
      '224.0.0.1',
      '240.0.0.1',
      '255.255.255.255',
      '::1',
      'ff02::1'
    ]
    const many = Array.from({ length: 500 }, (_, index) => `1.0.${index >> 8}.${index & 255}`)

    for (const [index, eip] of [bad, ['::ffff:198.51.100.9'], many].entries()) {
      const said = keepalive('haproxy', `10.0.0.${index + 1}`, { payload: { eip } })
      expect((await subject.ask.stranger('PUT', '/ping', said)).status).toBe(200)
    }

    await eventually(() => zone.valuesOf('foo.bar.com', 'A')?.length === 400)
    const published = zone.valuesOf('foo.bar.com', 'A') ?? []
    expect(published).toContain('203.0.113.1')
    expect(published.filter((address) => bad.includes(address))).toEqual([])
    expect(zone.valuesOf('foo.bar.com', 'AAAA')).toBeUndefined()
    await subject.ask.stranger('PUT', '/ping', keepalive('haproxy', '10.0.0.3', { down: true }))
    await eventually(() => zone.valuesOf('foo.bar.com', 'A')?.join() === '198.51.100.9,203.0.113.1')
  })

  it.each([
    ['operators', { KONTROL_TOKEN: 'operators-secret' }],
    ['pods', { KONTROL_PING_TOKEN: 'pods-secret,haproxy=proxies-secret' }]
  ])('publishes nothing at all where %s have a secret, nor for the one of pods', async (_who, secrets) => {
    await using double = await Route53Double.start()
    const zone = double.addZone('Z1', 'bar.com')
    await using subject = await withDns(double, secrets)
    await eventually(() => zone.valuesOf('foo.bar.com', 'A')?.join() === '203.0.113.1')
    const said = keepalive('haproxy', '10.0.0.1', { payload: { eip: ['6.6.6.6'] } })

    const statuses = [
      (await subject.ask.stranger('PUT', '/ping', said)).status,
      (await subject.ask.loopback('PUT', '/ping', said)).status,
      (await subject.ask.stranger('PUT', '/ping', said, { authorization: 'Bearer pods-secret' })).status
    ]
    expect(statuses.slice(0, 2)).toEqual([401, 401])
    expect([401, 403]).toContain(statuses[2])
    expect(await zerorpcPing(subject, said)).toContain('KTL_UNAUTHORIZED')
    const shows = await subject.ask.loopback('GET', '/api/v1/pods')
    expect(shows.body).not.toContain('6.6.6.6')
    expect(zone.valuesOf('foo.bar.com', 'A')).toEqual(['203.0.113.1'])
  })
})

describe('an address that is no host (case 5)', () => {
  it('is refused to a stranger, by either protocol', async () => {
    await using subject = await started({ template: '# nothing', env: { KONTROL_DRY_RUN: 'on' } })
    const bad = [
      '0.0.0.0',
      '::',
      '224.0.0.1',
      'ff02::1',
      '255.255.255.255',
      '169.254.169.254',
      '::ffff:169.254.169.254',
      // With ":1:8000" behind it, HAProxy reads ::ffff:127.0.0.1 and a port.
      '::ffff:7f00',
      'fe80::1'
    ]

    for (const ip of bad) {
      const { status, code } = await subject.ask.stranger('PUT', '/ping', keepalive('web', ip))
      expect([ip, status, code]).toEqual([ip, 400, 'KTL_KEEPALIVE_INVALID'])
      await zerorpcPing(subject, keepalive('web', ip))
    }
    expect(await zerorpcPing(subject, keepalive('web', '10.0.0.1'))).toContain('OK')
    expect(JSON.parse((await subject.ask.stranger('GET', '/api/v1/hosts')).body)).toMatchObject({
      hosts: { web: ['10.0.0.1'] }
    })
  })

  it('is loopback, for those who are elsewhere: HAProxy would lead its clients to what is for this machine alone', async () => {
    await using subject = await started({ template: '# nothing', env: { KONTROL_DRY_RUN: 'on' } })

    for (const ip of ['127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1', '64:ff9b::7f00:1']) {
      const { status, code } = await subject.ask.stranger('PUT', '/ping', keepalive('web', ip, { key: 'k1' }))
      expect([ip, status, code]).toEqual([ip, 403, 'KTL_FORBIDDEN'])
      await zerorpcPing(subject, keepalive('web', ip, { key: 'k1' }))
    }
    expect((await subject.ask.loopback('PUT', '/ping', keepalive('web', '127.0.0.1'))).status).toBe(200)
    expect(JSON.parse((await subject.ask.stranger('GET', '/api/v1/hosts')).body)).toMatchObject({
      hosts: { web: ['127.0.0.1'] }
    })
  })

  it('is the control tier, which would take clients of HAProxy for those on this machine', async () => {
    const [port, inner] = [await freePort(), await freePort()]
    // Frontends that a template chains over an address spare nobody who reports it.
    const chain = `frontend inner
  mode http
  timeout client 5s
  bind 127.0.0.1:${inner}
  http-request return status 204
backend chain
  mode http
  timeout connect 1s
  timeout server 5s
  server inner 127.0.0.1:${inner}
`
    await using subject = await started({ template: chain + withPortsOfPods(port), env: { KONTROL_DAMPER: '0' } })
    await subject.service.ready()
    const ask = await clientOf(subject, port)

    const control = subject.service.port
    const said = keepalive('web', HERE, { payload: { port: control } })
    expect((await subject.ask.stranger('PUT', '/ping', said)).status).toBe(200)
    const neighbour = keepalive('web', '127.0.0.1', { payload: { port: control } })
    expect((await subject.ask.loopback('PUT', '/ping', neighbour)).status).toBe(200)

    await eventually(() => subject.service.output.split('KTL_POD_IS_PROXY').length > 2)
    await subject.service.ready()
    expect(await ask()).toMatch(/^503 /)

    // HAProxy reads a number there, and nothing of what is behind it.
    expect((await subject.ask.loopback('PUT', '/ping', { ...neighbour, down: true })).status).toBe(200)
    const behind = { ...said, payload: { port: `${control}x` } }
    expect((await subject.ask.stranger('PUT', '/ping', behind)).status).toBe(200)
    await eventually(async () => (await subject.ask.loopback('GET', '/api/v1/pods')).body.includes(`${control}x`))
    await subject.service.ready()
    expect((await subject.ask.loopback('GET', '/api/v1/config')).body).not.toMatch(/ server web/)
    expect(await ask()).toMatch(/^503 /)
  })

  it('is one at which HAProxy itself listens: the pod is told and left out', async () => {
    const port = await freePort()
    await using subject = await started({ template: withPortsOfPods(port), env: { KONTROL_DAMPER: '0' } })
    await subject.service.ready()
    const ask = await clientOf(subject, port)

    for (const ip of [HERE, STRANGER]) {
      const said = keepalive('web', ip, { payload: { port } })
      expect((await subject.ask.stranger('PUT', '/ping', said)).status).toBe(200)
    }
    const neighbour = keepalive('web', '127.0.0.1', { payload: { port } })
    expect((await subject.ask.loopback('PUT', '/ping', neighbour)).status).toBe(200)

    await eventually(() => subject.service.output.split('KTL_POD_IS_PROXY').length > 3)
    await subject.service.ready()
    expect((await subject.ask.loopback('GET', '/api/v1/config')).body).not.toContain('  server ')
    expect(await ask()).toMatch(/^503 /)
  })
})

describe('too much of everything, from one address', () => {
  it('is refused to that one, and others go on (case 9)', async () => {
    await using subject = await started({
      template: '# nothing',
      env: { KONTROL_DRY_RUN: 'on', KONTROL_PAYLOAD_BYTES: String(1024 * 1024), KONTROL_PODS_PER_PEER: '40' }
    })
    const { stranger, proxy } = subject.ask
    const payload = 'x'.repeat(32_000)
    const first = keepalive('web', STRANGER, { payload })
    expect((await proxy('PUT', '/ping', first)).status).toBe(200)

    const flood = async (from: typeof stranger, size: number): Promise<number> => {
      const text = 'y'.repeat(size)
      let taken = 0
      for (let index = 0; index < 60; index++) {
        const said = keepalive(`app-${index}`, '10.0.0.2', { key: `of-${size}-${index}`, payload: text })
        const { status, code } = await from('PUT', '/ping', said)
        if (status === 200) taken += 1
        else expect([status, code]).toEqual([503, 'KTL_REGISTRY_FULL'])
      }
      return taken
    }
    // Half of all bytes is for one address, whatever it calls its apps; and so many pods.
    const large = await flood(stranger, 32_000)
    expect(large).toBeGreaterThan(0)
    expect(large).toBeLessThanOrEqual(16)
    expect(large + (await flood(stranger, 1))).toBe(40)

    expect((await proxy('PUT', '/ping', first)).status).toBe(200)
    expect((await proxy('PUT', '/ping', keepalive('other', '10.0.0.9', { payload }))).status).toBe(200)
    expect(await metric(subject, 'kontrol_limit_used{limit="payload_bytes"}')).toBeLessThanOrEqual(1024 * 1024)
  })

  it('in idle connections takes no descriptor of our own work (case 12)', async () => {
    const port = await freePort()
    const template = `frontend f
  mode http
  timeout client 5s
  bind ${HERE}:${port}
  http-request return status 200 content-type text/plain string "{{ hosts.web|default([])|length }} pods"
`
    await using subject = await started({
      template,
      prefix: ['prlimit', '--nofile=1024:1024'],
      env: { KONTROL_DAMPER: '0' }
    })
    await subject.service.ready()
    const ask = await clientOf(subject, port)
    const script = join(import.meta.dirname, '../../support/load/idle-connections.mjs')
    subject.network.start(process.execPath, script, STRANGER, HERE, String(subject.service.port), '1200')
    await eventually(async () => (await metric(subject, 'kontrol_limit_used{limit="connections"}')) > 700)

    // Each a reload, which opens files, sockets and programs.
    for (const count of [1, 2, 3]) {
      expect((await subject.ask.proxy('PUT', '/ping', keepalive('web', `10.0.0.${count}`))).status).toBe(200)
      await eventually(async () => (await ask()) === `200 ${count} pods`, 30_000)
    }
    await subject.service.ready()
    expect(await metric(subject, 'kontrol_limit_max{limit="connections"}')).toBe(768)
    expect(subject.service.output).not.toMatch(/EMFILE|haproxy (?:has )?died|worker died/)
  })
})

describe('ZeroRPC beside TLS, from the network', () => {
  it.each([
    ['auto', /KTL_UNAUTHORIZED/],
    ['off', /KTL_FORBIDDEN/],
    ['clear', /OK/]
  ])('with KONTROL_ZERORPC=%s is answered %s (case 14)', async (zerorpc, expected) => {
    await using dir = await tempDir()
    const { cert, key } = await selfSigned()
    await writeFile(dir.file('cert.pem'), cert)
    await writeFile(dir.file('key.pem'), key)
    await using subject = await serviceInNamespace({
      template: '# nothing',
      env: {
        ...{ KONTROL_TLS_CERT: dir.file('cert.pem'), KONTROL_TLS_KEY: dir.file('key.pem') },
        ...{ KONTROL_DRY_RUN: 'on', KONTROL_ZERORPC: zerorpc }
      }
    })
    const { service } = subject
    await using dispatcher = disposable(
      new Agent({ connect: { ca: cert, servername: 'localhost', socketPath: await subject.bridgeFrom(STRANGER) } })
    )
    const get = async (path: string) => await request(`https://localhost:${service.port}${path}`, { dispatcher })
    service.spawn()
    await eventually(async () => (await get('/healthz')).statusCode === 200, 30_000)

    expect(await zerorpcPing(subject, keepalive('web', '10.0.0.1'))).toMatch(expected)
    const { pods } = (await (await get('/api/v1/pods')).body.json()) as { pods: unknown[] }
    expect(pods).toHaveLength(zerorpc === 'clear' ? 1 : 0)
  })
})

const disposable = (agent: Agent): Agent & AsyncDisposable =>
  Object.assign(agent, { [Symbol.asyncDispose]: async () => await agent.destroy() })
