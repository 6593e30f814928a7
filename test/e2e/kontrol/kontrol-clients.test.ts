import { afterEach, describe, expect, it } from 'vitest'
import { eventually } from '../../support/eventually.ts'
import { connectRaw, event, GREETING, message, READY_DEALER, type Encoding } from '../../support/zerorpc/raw-zerorpc.ts'
import { startService, type RunningService } from '../../support/service/start-service.ts'
import { NpmZerorpcClient } from '../../support/zerorpc/zerorpc-clients.ts'

const keepalive =
  '{"app": "web", "id": "web-127-0-0-11", "ip": "127.0.0.11", "key": "2kce4X", "payload": "", "role": "r"}'
const from = (n: number) => keepalive.replace('127.0.0.11', `127.0.0.${n}`).replace('2kce4X', `k${n}`)

const stops: (() => PromiseLike<unknown>)[] = []

async function start(env: NodeJS.ProcessEnv = {}): Promise<RunningService> {
  const service = await startService({ env })
  stops.push(() => service[Symbol.asyncDispose]())
  return service
}

/** Sends bytes and gives what comes back until the other side falls silent or closes. */
async function exchange(service: RunningService, bytes: string, until: RegExp): Promise<string> {
  const { socket, received } = await connectRaw(service.port)
  socket.write(bytes)
  const answer = await eventually(() => (until.test(received().toString()) ? received().toString() : undefined))
  socket.destroy()
  return answer
}

const request = (line: string, headers: readonly string[], body: string) =>
  [`${line} HTTP/1.1`, 'Host: 127.0.0.20:8000', ...headers, `Content-Length: ${body.length}`, '', body].join('\r\n')

const statusOf = (answer: string) => Number(/^HTTP\/1.1 (\d+)/.exec(answer)?.[1])

const ips = async (service: RunningService) =>
  (await service.json<{ pods: { ip: string }[] }>('/api/v1/pods')).pods.map(({ ip }) => ip)

describe('clients of Kontrol', () => {
  afterEach(async () => {
    for (const stop of stops.splice(0).reverse()) await stop()
  })

  it('of the HTTP generation get the answers that they know', async () => {
    const service = await start()
    const requests = [
      'User-Agent: python-requests/2.28.1',
      'Accept-Encoding: gzip, deflate',
      'Accept: */*',
      'Connection: keep-alive'
    ]

    const taken = await exchange(
      service,
      request('PUT /ping', [...requests, 'Content-Type: application/json'], keepalive),
      /\r\n\r\n/
    )
    expect(statusOf(taken)).toBe(200)
    expect(taken).toMatch(/content-length: 0\r\n/i)
    expect(taken.split('\r\n\r\n')[1]).toBe('')
    for (const type of ['Content-Type: text/plain', 'Content-Type: application/x-www-form-urlencoded', 'X-None: 1']) {
      expect(statusOf(await exchange(service, request('PUT /ping', [type], keepalive), /\r\n\r\n/))).toBe(200)
    }
    expect(await ips(service)).toEqual(['127.0.0.11'])

    const statuses: Record<string, number> = {}
    for (const [what, method, path, body] of [
      ['bad JSON', 'PUT', '/ping', '{'],
      ['an empty body', 'PUT', '/ping', ''],
      ['an array', 'PUT', '/ping', '[]'],
      ['a keepalive without key', 'PUT', '/ping', '{"app": "web", "id": "w", "ip": "10.0.0.1", "role": "r"}'],
      ['another method', 'POST', '/ping', keepalive],
      ['an unknown path', 'GET', '/pong', undefined]
    ] as const) {
      statuses[what] = (await service.send(method, path, body)).status
    }
    expect(statuses).toEqual({
      'bad JSON': 400,
      'an empty body': 400,
      'an array': 400,
      'a keepalive without key': 400,
      'another method': 405,
      'an unknown path': 404
    })
    expect((await service.send('POST', '/ping', keepalive)).headers.allow).toBe('PUT')
    expect(await ips(service)).toEqual(['127.0.0.11'])
  })

  it('of the ZeroRPC generation are served on the same port, in every encoding', async () => {
    const service = await start()
    const client = new NpmZerorpcClient(service.port)
    stops.push(async () => client.close())

    expect(await client.call('ping', from(12))).toBeNull()
    expect(await client.call('ping', 'no JSON')).toBeNull()
    for (const [n, encoding] of (['python 3', 'python 2 raw', 'python 2 bin'] satisfies Encoding[]).entries()) {
      const { socket } = await connectRaw(service.port)
      socket.write(Buffer.concat([GREETING, READY_DEALER, message(event('ping', [from(13 + n)], encoding))]))
      await eventually(async () => (await ips(service)).includes(`127.0.0.${13 + n}`))
      socket.destroy()
    }

    expect(await ips(service)).toEqual(['127.0.0.12', '127.0.0.13', '127.0.0.14', '127.0.0.15'])
    expect(await client.call('ping', from(12).replace('"id"', '"down": true, "id"'))).toBeNull()
    expect(await ips(service)).not.toContain('127.0.0.12')
  })

  it('command the automaton by script and invoke, and nothing else by default', async () => {
    const service = await start()
    const client = new NpmZerorpcClient(service.port)
    stops.push(async () => client.close())
    const command = (text: string) => JSON.stringify({ cmd: `echo ${text} | socat -t 60 - ${service.data}/s` })
    await eventually(async () => (await service.send('PUT', '/script', command('STATE'))).body === 'idle')

    expect(await client.call('invoke', command('STATE'))).toBe('idle')
    expect((await service.send('PUT', '/script', command('GOTO nowhere'))).body).toBe('KO')
    expect(await client.call('invoke', command('WAIT render'))).toBe('OK')
    expect(await client.call('invoke', '{"cmd": ""}')).toBeNull()

    const reboot = JSON.stringify({ cmd: `touch ${service.data}/owned` })
    const refused = await service.send('PUT', '/script', reboot)
    expect([refused.status, JSON.parse(refused.body)]).toMatchObject([403, { code: 'KTL_FORBIDDEN' }])
    await expect(client.call('invoke', reboot)).rejects.toMatchObject({ name: 'KTL_FORBIDDEN' })
  })

  it('need a token where one is set, which ZeroRPC cannot carry', async () => {
    const service = await start({ KONTROL_TOKEN: 'a-secret-of-32-characters-or-more', KONTROL_SCRIPT: 'shell' })
    const client = new NpmZerorpcClient(service.port)
    stops.push(async () => client.close())
    const script = '{"cmd": "echo $((20 + 1)); echo $INPUT >&2"}'

    await expect(client.call('ping', keepalive)).rejects.toMatchObject({ name: 'KTL_UNAUTHORIZED' })
    await expect(client.call('invoke', script)).rejects.toMatchObject({ name: 'KTL_UNAUTHORIZED' })
    expect(await client.call('_zerorpc_ping')).toEqual(['pong', 'API'])
    expect((await service.send('PUT', '/ping', keepalive)).status).toBe(401)
    expect((await service.send('PUT', '/script', script)).status).toBe(401)

    const authorization = 'Bearer a-secret-of-32-characters-or-more'
    expect((await service.send('PUT', '/script', script, { authorization })).body).toBe('21')
    expect(await ips(service)).toEqual([])
  })
})
