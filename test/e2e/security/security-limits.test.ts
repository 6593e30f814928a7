import { once } from 'node:events'
import { readFile, stat, truncate, writeFile } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { request } from 'undici'
import { describe, expect, it } from 'vitest'
import { command } from '../../support/service/command.ts'
import { eventually } from '../../support/eventually.ts'
import { freePort } from '../../support/free-port.ts'
import { STRANGER } from '../../support/neighbours/network-namespace.ts'
import { connectRaw, event, GREETING, message, READY_DEALER } from '../../support/zerorpc/raw-zerorpc.ts'
import { serviceInNamespace } from '../../support/service/service-in-namespace.ts'
import { startBackend } from '../../support/haproxy/start-backend.ts'
import { startService, type RunningService } from '../../support/service/start-service.ts'
import { tempDir } from '../../support/temp-dir.ts'

const proxyTemplate = (port: number, more = ''): string => `defaults
  mode http
  timeout connect 1s
  timeout client 5s
  timeout server 5s
frontend f
  bind 127.0.0.1:${port}
  default_backend web
backend web
${more}{% for pod in pods.web %}  server s{{ loop.index }} {{ pod.ip }}:{{ pod.payload.port }}
{% endfor %}`

async function ask(port: number): Promise<string> {
  const { statusCode, body } = await request(`http://127.0.0.1:${port}/`, { reset: true })
  return `${statusCode} ${await body.text()}`
}

interface HaproxyBody {
  pid: number
  workerPid: number
}

const metric = async (service: RunningService, line: string): Promise<number> => {
  const { body } = await service.get('/metrics')
  const found = body.split('\n').find((text) => text.startsWith(`${line} `))
  return Number(found?.slice(line.length + 1))
}

/** Why the last step failed, which WAIT does not tell: the machine is at rest all the same. */
const refusedInput = async (service: RunningService): Promise<string | undefined> =>
  (await service.json<{ lastError: { code: string } | null }>('/api/v1/lifecycle')).lastError?.code

describe('an address that is no host', () => {
  it('is refused at each door (case 5)', async () => {
    await using service = await startService({
      template: proxyTemplate(await freePort()),
      env: { KONTROL_DRY_RUN: 'on' }
    })
    const bad = [
      '0.0.0.0',
      '::',
      '224.0.0.1',
      'ff02::1',
      '255.255.255.255',
      '169.254.169.254',
      '::ffff:169.254.169.254'
    ]

    for (const ip of bad) {
      expect([ip, await service.ping(ip, { key: 'bad' })]).toEqual([ip, 400])
      const { socket, received } = await connectRaw(service.port)
      const keepalive = JSON.stringify({ app: 'web', id: 'x', ip, key: 'bad', role: 'r' })
      socket.write(Buffer.concat([GREETING, READY_DEALER, message(event('ping', [keepalive], 'python 3'))]))
      await eventually(() => received().length > 100)
      socket.destroy()
      const input = `WAIT configure '{"web": ["${ip}"]}'`
      await service.send('PUT', '/script', JSON.stringify({ cmd: `echo ${input} | socat - ${service.data}/s` }))
      expect(await refusedInput(service)).toBe('KTL_REQUEST_INVALID')
      await command('sh', [
        '-c',
        'echo STATE | socat - "$0"; printf %s "$1" | socat - "$0"',
        join(service.data, 's'),
        input
      ])
      expect(await refusedInput(service)).toBe('KTL_REQUEST_INVALID')
      expect((await service.get('/api/v1/config?candidate')).body).not.toContain(`s1 ${ip}`)
    }
    expect(await service.json('/api/v1/pods')).toMatchObject({ pods: [] })
  })

  it('may not be one on which HAProxy itself listens: the pod is told and left out (case 5)', async () => {
    const [port, other] = [await freePort(), await freePort('0.0.0.0')]
    await using backend = await startBackend('127.0.0.2', other)
    await using service = await startService({ template: proxyTemplate(port), env: { KONTROL_DAMPER: '0' } })
    await service.ready()
    await service.ping('127.0.0.1', { payload: { port } })
    await service.ping(backend.ip, { payload: { port: other } })

    await eventually(async () => (await ask(port)) === `200 ${backend.ip}`)
    expect(service.output).toContain('KTL_POD_IS_PROXY')
    expect((await service.get('/api/v1/config')).body).not.toContain(`127.0.0.1:${port}\n  server`)
    for (let round = 0; round < 10; round++) expect(await ask(port)).toBe(`200 ${backend.ip}`)
  })
})

describe('too much of everything', () => {
  it('is refused to strangers, and known pods go on (case 9)', async () => {
    await using service = await startService({
      template: '# nothing',
      env: { KONTROL_DRY_RUN: 'on', KONTROL_PAYLOAD_BYTES: String(1024 * 1024), KONTROL_PODS_PER_APP: '100' }
    })
    const payload = 'x'.repeat(32_000)
    const first = await service.ping('10.0.0.1', { payload })
    const statuses: number[] = []
    for (let index = 0; index < 60; index++) {
      statuses.push(await service.ping('10.0.0.2', { key: `flood-${index}`, app: `app-${index}`, payload }))
    }

    expect([first, statuses[0], statuses.at(-1)]).toEqual([200, 200, 503])
    expect(statuses.filter((status) => status === 200).length).toBeLessThanOrEqual(32)
    expect(await service.ping('10.0.0.1', { payload })).toBe(200)
    expect(await service.ping('10.0.0.3', { app: 'small' })).toBe(200)
    await eventually(() => service.output.includes('limit nearly reached'))
    expect(await metric(service, 'kontrol_limit_used{limit="payload_bytes"}')).toBeLessThanOrEqual(1024 * 1024)
    expect(await metric(service, 'kontrol_alarms_total{code="KTL_LIMIT_NEAR"}')).toBeGreaterThan(0)
    const events = await readFile(join(service.data, 'events.jsonl'), 'utf8')
    expect(events).toMatch(/"at":"\d{4}-[^"]*Z",[^\n]*"code":"KTL_LIMIT_NEAR"/)
  })

  it('in idle connections takes no descriptor of our own work (case 12)', async () => {
    const [port, other] = [await freePort(), await freePort('0.0.0.0')]
    await using backend = await startBackend('127.0.0.2', other)
    await using service = await startService({
      template: proxyTemplate(port),
      prefix: ['prlimit', '--nofile=1024:1024'],
      env: { KONTROL_DAMPER: '0' }
    })
    await service.ready()
    const idle: Socket[] = []
    const open = (): void => {
      const socket = connect(service.port, '127.0.0.1').on('error', () => {})
      idle.push(socket)
    }
    for (let count = 0; count < 1_200; count++) open()
    await eventually(async () => (await metric(service, 'kontrol_limit_used{limit="connections"}')) > 700)
    const flood = setInterval(() => {
      for (let count = 0; count < 20; count++) open()
    }, 50)

    await service.ping(backend.ip, { payload: { port: other } })
    await eventually(async () => (await ask(port)) === `200 ${backend.ip}`)
    await service.ping('127.0.0.3', { payload: { port: other } })
    await service.ready()
    clearInterval(flood)
    expect(await metric(service, 'kontrol_limit_max{limit="connections"}')).toBe(768)
    expect(service.output).not.toMatch(/EMFILE|haproxy (?:has )?died|worker died/)
    for (const socket of idle) socket.destroy()
  })

  it('in event streams leaves some for operators (case 16)', async () => {
    await using subject = await serviceInNamespace({
      template: '# nothing',
      env: { KONTROL_DRY_RUN: 'on', KONTROL_TOKEN: 'operator-secret' }
    })
    await subject.service.start()
    const bridge = await subject.bridgeFrom(STRANGER)
    const listen = async (headers = ''): Promise<string> => {
      const socket = connect(bridge)
      socket.on('error', () => {})
      socket.write(`GET /api/v1/events HTTP/1.1\r\nHost: 127.0.0.1\r\n${headers}\r\n`)
      const [chunk] = (await once(socket, 'data')) as [Buffer]
      return /^HTTP\/1.1 (\d+)/.exec(chunk.toString('latin1'))?.[1] ?? ''
    }

    const statuses: string[] = []
    for (let count = 0; count < 100; count++) statuses.push(await listen())
    expect(statuses.filter((status) => status === '200')).toHaveLength(16)
    expect(await listen('Authorization: Bearer operator-secret\r\n')).toBe('200')
  })
})

describe('a start beside damaged files', () => {
  it.each([
    ['cut to half', async (path: string) => await truncate(path, Math.floor((await stat(path)).size / 2))],
    ['garbage', async (path: string) => await writeFile(path, Buffer.alloc(50_000, 'garbage'))]
  ])('of the registry, %s, leaves HAProxy alone and waits for the pods (case 15)', async (_what, damage) => {
    const [port, other] = [await freePort(), await freePort('0.0.0.0')]
    await using backend = await startBackend('127.0.0.2', other)
    await using service = await startService({ template: proxyTemplate(port), env: { KONTROL_TTL: '15' } })
    await service.ready()
    await service.ping(backend.ip, { payload: { port: other } })
    await eventually(async () => (await ask(port)) === `200 ${backend.ip}`)
    const before = await service.json<HaproxyBody>('/api/v1/haproxy')

    await service.kill('SIGKILL')
    await damage(join(service.data, 'registry/data.mdb'))
    await service.start()

    expect(service.output).toContain('KTL_STORE_DAMAGED')
    expect((await stat(join(service.data, 'registry.damaged/data.mdb'))).size).toBeGreaterThan(0)
    expect(await service.json('/api/v1/pods')).toMatchObject({ pods: [] })
    expect(await ask(port)).toBe(`200 ${backend.ip}`)
    const { pid, workerPid } = before
    expect(await service.json<HaproxyBody>('/api/v1/haproxy')).toMatchObject({ pid, workerPid })
    await service.ping(backend.ip, { payload: { port: other } })
    await service.ready()
    await eventually(async () => (await ask(port)) === `200 ${backend.ip}`)
  })
})

describe('an end right after a reload', () => {
  it.each([
    ['SIGTERM', (service: RunningService) => service.kill('SIGTERM')],
    [
      'POST /down',
      async (service: RunningService) => {
        const left = service.ended()
        await service.send('POST', '/down')
        return await left
      }
    ]
  ])('by %s is clean, and the next start knows what ran (case 18)', async (_how, end) => {
    const port = await freePort()
    await using dir = await tempDir()
    await writeFile(dir.file('template'), proxyTemplate(port))
    await using service = await startService({ env: { KONTROL_CONFIG_FILE: dir.file('template') } })
    await service.ready()
    await writeFile(dir.file('template'), proxyTemplate(port, '  option httpclose\n'))
    await eventually(async () => (await service.get('/api/v1/config')).body.includes('option httpclose'))

    expect(await end(service)).toBe(0)
    expect(await readFile(join(service.data, 'haproxy/last-good.cfg'), 'utf8')).toContain('option httpclose')
    await service.start()
    await service.ready()
  })
})
