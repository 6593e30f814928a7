import { once } from 'node:events'
import { rename, writeFile } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from '../../support/eventually.ts'
import { connectRaw, event, GREETING, message, READY_DEALER } from '../../support/zerorpc/raw-zerorpc.ts'
import { PROXY, STRANGER } from '../../support/neighbours/network-namespace.ts'
import { serviceInNamespace, type Answer, type ServiceInNamespace } from '../../support/service/service-in-namespace.ts'
import { createService, type ServiceOptions } from '../../support/service/start-service.ts'
import { tempDir } from '../../support/temp-dir.ts'

const SHUTDOWN = { state: 'shutdown', wait: true }
const bearer = (token: string) => ({ authorization: `Bearer ${token}` })
const keepalive = (app: string, ip: string, more = {}) => ({
  app,
  id: `${app}-1`,
  ip,
  key: `${app}1`,
  role: 'r',
  ...more
})

/** What the default manifest has, and a state whose block mentions one variable. */
const MANIFEST = `
initial: rest
terminal: gone
states:
  - tag: rest
    next: [run, configure]
  - tag: run
    shell: bash -c 'echo "\${COLOUR:-none}" > "$DIR/colour"'
    next: [rest, run, configure]
  - tag: configure
    shell: printf %s "$INPUT" > "$DIR/input"
    next: [rest, run, configure]
  - tag: gone
`

async function started(options: ServiceOptions): Promise<ServiceInNamespace> {
  const subject = await serviceInNamespace(options)
  await subject.service.start()
  return subject
}

/** What one call over ZeroRPC is answered with, as the bytes that come back. */
async function invoke(path: string, method: string, text: string): Promise<string> {
  const { socket, received } = await connectRaw(path)
  socket.write(Buffer.concat([GREETING, READY_DEALER, message(event(method, [text], 'python 3'))]))
  const answer = await eventually(() => {
    const bytes = received().toString('latin1')
    return /OK|ERR/.test(bytes.slice(90)) ? bytes : undefined
  })
  socket.destroy()
  return answer
}

describe('a control tier where nothing is set', () => {
  let subject: ServiceInNamespace
  let script: (text: string) => { cmd: string }
  beforeAll(async () => {
    const dir = await tempDir()
    await writeFile(dir.file('lifecycle.yml'), MANIFEST)
    subject = await started({ env: { KONTROL_LIFECYCLE: dir.file('lifecycle.yml'), DIR: dir.path } })
    script = (text) => ({ cmd: `echo ${text} | socat - ${subject.service.data}/s` })
  })
  afterAll(() => subject[Symbol.asyncDispose]())

  it('is not ended, emptied or moved from the network (case 1)', async () => {
    const { stranger } = subject.ask
    const attempts: Record<string, Answer> = {
      transition: await stranger('POST', '/api/v1/lifecycle/transitions', { state: 'gone', wait: true }),
      harmless: await stranger('POST', '/api/v1/lifecycle/transitions', { state: 'run' }),
      goto: await stranger('PUT', '/script', script('GOTO gone')),
      wait: await stranger('PUT', '/script', script('WAIT gone')),
      die: await stranger('PUT', '/script', script('DIE')),
      forget: await stranger('DELETE', '/api/v1/pods/web1'),
      down: await stranger('POST', '/down')
    }

    for (const [what, { status, code, body }] of Object.entries(attempts)) {
      expect([what, status, code]).toEqual([what, 403, 'KTL_FORBIDDEN'])
      expect(JSON.parse(body)).toHaveProperty('hint')
    }
    const bridge = await subject.bridgeFrom(STRANGER)
    for (const text of ['GOTO gone', 'DIE']) {
      expect(await invoke(bridge, 'invoke', JSON.stringify(script(text)))).toContain('KTL_FORBIDDEN')
    }
    expect(JSON.parse((await stranger('GET', '/api/v1/lifecycle')).body)).toMatchObject({ state: 'rest' })
  })

  it('takes from the network what Kontrol sends', async () => {
    const { stranger } = subject.ask

    expect((await stranger('PUT', '/ping', keepalive('web', '10.0.0.1'))).status).toBe(200)
    expect((await stranger('PUT', '/script', script('STATE'))).body).toBe('rest')
    expect((await stranger('PUT', '/script', script('WAIT run'))).body).toBe('OK')
    expect((await stranger('GET', '/api/v1/pods')).status).toBe(200)
    const bridge = await subject.bridgeFrom(STRANGER)
    expect(await invoke(bridge, 'invoke', JSON.stringify(script('WAIT rest')))).toMatch(/OK\W+OK/)
  })

  it('takes hosts from a proxy that it knows, and from nobody else', async () => {
    const { stranger, proxy } = subject.ask
    const hosts = script(`WAIT configure '{"web": ["10.0.0.1"]}'`)

    expect((await stranger('PUT', '/script', hosts)).code).toBe('KTL_FORBIDDEN')
    expect((await proxy('PUT', '/script', hosts)).code).toBe('KTL_FORBIDDEN')
    expect((await proxy('PUT', '/ping', keepalive('haproxy', PROXY))).status).toBe(200)
    expect((await proxy('PUT', '/script', hosts)).body).toBe('OK')
    expect((await stranger('PUT', '/script', hosts)).code).toBe('KTL_FORBIDDEN')
  })

  it('lets the network set what the manifest mentions, and nothing that steers a program (case 3)', async () => {
    const { stranger } = subject.ask
    const stolen = `${subject.service.data}/stolen`

    const attempt = script(`SET BASH_ENV '$(id > ${stolen})'`)
    expect((await stranger('PUT', '/script', attempt)).code).toBe('KTL_FORBIDDEN')
    for (const name of ['PATH', 'LD_PRELOAD', 'ENV', 'IFS', 'OTHER', 'PYTHONPATH']) {
      expect((await stranger('PUT', '/script', script(`SET ${name} x`))).code).toBe('KTL_FORBIDDEN')
    }
    expect((await stranger('PUT', '/script', script('SET COLOUR blue'))).body).toBe('OK')
    expect((await stranger('PUT', '/script', script('WAIT run'))).body).toBe('OK')
    expect(existsSync(stolen)).toBe(false)
  })

  it.each([
    ['of another origin', { origin: 'http://other.example', 'content-type': 'text/plain' }],
    ['of another site', { 'sec-fetch-site': 'cross-site' }],
    ['whose name was pointed at us', { host: 'rebound.example', origin: 'http://rebound.example' }],
    ['that hides its origin', { origin: 'null' }]
  ])('takes nothing from a page %s, even on this host (case 2)', async (_page, headers: Record<string, string>) => {
    const { loopback } = subject.ask
    const answers = [
      await loopback('POST', '/api/v1/lifecycle/transitions', { state: 'gone' }, headers),
      await loopback('POST', '/down', undefined, headers),
      await loopback('PUT', '/script', script('DIE'), headers),
      await loopback('PUT', '/ping', keepalive('web', '10.6.6.6'), headers),
      await loopback('DELETE', '/api/v1/pods/web1', undefined, headers)
    ]

    for (const { status, code } of answers) expect([status, code]).toEqual([403, 'KTL_FORBIDDEN'])
  })

  it('takes a name that is not its own for the network', async () => {
    const { loopback } = subject.ask
    const headers = { host: 'rebound.example' }

    expect((await loopback('POST', '/api/v1/lifecycle/transitions', SHUTDOWN, headers)).status).toBe(403)
    expect((await loopback('POST', '/down', undefined, headers)).status).toBe(403)
    expect((await loopback('PUT', '/ping', keepalive('db', '10.0.0.5'), headers)).status).toBe(200)
  })

  it('takes everything from its own page and from loopback', async () => {
    const { loopback } = subject.ask
    const origin = `http://127.0.0.1:${subject.service.port}`

    const page = await loopback('DELETE', '/api/v1/pods/db1', undefined, { origin, 'sec-fetch-site': 'same-origin' })
    expect(page.status).toBe(204)
    expect((await loopback('POST', '/api/v1/lifecycle/transitions', { state: 'run', wait: true })).status).toBe(200)
  })
})

describe('a control tier with secrets for each role', () => {
  let subject: ServiceInNamespace
  let files: Awaited<ReturnType<typeof tempDir>>
  beforeAll(async () => {
    files = await tempDir()
    await writeFile(files.file('ping'), 'common-secret\nweb=web-secret\nhaproxy=proxy-secret\n')
    subject = await started({
      template: '# nothing',
      env: {
        KONTROL_TOKEN: 'operator-1,operator-2',
        KONTROL_PING_TOKEN_FILE: files.file('ping'),
        KONTROL_READ_TOKEN: 'reader',
        KONTROL_DRY_RUN: 'on'
      }
    })
  })
  afterAll(() => subject[Symbol.asyncDispose]())

  it.each([
    ['nothing', {}, [401, 401, 401, 401, 401]],
    ['a wrong secret', bearer('operator-3'), [401, 401, 401, 401, 401]],
    ['the common secret', bearer('common-secret'), [200, 200, 403, 403, 403]],
    ['the secret of web', bearer('web-secret'), [200, 403, 403, 403, 403]],
    ['the secret of the proxies', bearer('proxy-secret'), [403, 403, 200, 403, 403]],
    ['a reader', bearer('reader'), [403, 403, 403, 200, 403]],
    ['an operator', bearer('operator-2'), [200, 200, 200, 200, 202]]
  ])('gives %s what is its', async (_who, headers: Record<string, string>, statuses) => {
    const { stranger } = subject.ask

    const answers = [
      await stranger('PUT', '/ping', keepalive('web', '10.0.0.1'), headers),
      await stranger('PUT', '/ping', keepalive('db', '10.0.0.2'), headers),
      await stranger('PUT', '/ping', keepalive('haproxy', '10.0.0.3'), headers),
      await stranger('GET', '/api/v1/pods', undefined, headers),
      await stranger('POST', '/api/v1/lifecycle/transitions', { state: 'render' }, headers)
    ]

    expect(answers.map(({ status }) => status)).toEqual(statuses)
  })

  it('lets no app take a pod of another (case 10)', async () => {
    const { stranger } = subject.ask
    await stranger('PUT', '/ping', keepalive('db', '10.0.0.2'), bearer('common-secret'))

    const stolen = { ...keepalive('web', '10.6.6.6'), key: 'db1' }
    expect((await stranger('PUT', '/ping', stolen, bearer('web-secret'))).code).toBe('KTL_FORBIDDEN')
    expect((await stranger('PUT', '/ping', { ...stolen, down: true }, bearer('web-secret'))).code).toBe('KTL_FORBIDDEN')
    expect((await stranger('GET', '/api/v1/hosts', undefined, bearer('reader'))).body).toContain('10.0.0.2')
  })

  it('shows the page and answers probes without a secret, which hold nothing', async () => {
    const { stranger } = subject.ask

    expect((await stranger('GET', '/healthz')).status).toBe(200)
    expect([200, 503]).toContain((await stranger('GET', '/readyz')).status)
    expect((await stranger('GET', '/')).status).toBe(200)
    for (const path of ['/metrics', '/state', '/api/v1/config', '/api/v1/events', '/openapi.json']) {
      expect([path, (await stranger('GET', path)).status]).toEqual([path, 401])
    }
  })

  it('refuses ZeroRPC', async () => {
    const bridge = await subject.bridgeFrom(STRANGER)

    expect(await invoke(bridge, 'ping', JSON.stringify(keepalive('web', '10.0.0.9')))).toContain('KTL_UNAUTHORIZED')
  })

  it('reads a file again when it changes, and keeps what it had when the new one is blank (case 8)', async () => {
    const { stranger } = subject.ask
    const ping = async (token: string) =>
      (await stranger('PUT', '/ping', keepalive('web', '10.0.0.1'), bearer(token))).status

    await writeFile(files.file('next'), 'web=rotated\n')
    await rename(files.file('next'), files.file('ping'))
    await eventually(async () => (await ping('rotated')) === 200)
    expect(await ping('web-secret')).toBe(401)

    await writeFile(files.file('ping'), '\n')
    await eventually(() => subject.service.output.includes('those before stay in force'))
    expect(await ping('rotated')).toBe(200)
    expect(await ping('')).toBe(401)
  })
})

describe('KONTROL_VERIFY', () => {
  it('=peer takes a pod from its own address alone, under its own key (case 10)', async () => {
    await using subject = await started({
      template: '# nothing',
      env: { KONTROL_VERIFY: 'peer', KONTROL_DRY_RUN: 'on' }
    })
    const { stranger, loopback } = subject.ask
    // base62 of 198.18.0.2, of 198.18.0.1 and of 10.0.0.1.
    const [own, here, other] = ['3CTfTI', '3CTfTH', 'blXcB']

    expect((await stranger('PUT', '/ping', keepalive('web', STRANGER, { key: own }))).status).toBe(200)
    expect((await stranger('PUT', '/ping', keepalive('web', STRANGER, { key: 'other' }))).code).toBe(
      'KTL_KEEPALIVE_INVALID'
    )
    expect((await stranger('PUT', '/ping', keepalive('web', '10.0.0.1', { key: own }))).code).toBe(
      'KTL_KEEPALIVE_INVALID'
    )
    expect((await stranger('PUT', '/ping', keepalive('web', '10.0.0.1', { key: other }))).code).toBe('KTL_FORBIDDEN')
    expect((await loopback('PUT', '/ping', keepalive('web', '198.18.0.1', { key: here }))).status).toBe(200)
    expect((await loopback('PUT', '/ping', keepalive('web', '10.0.0.1', { key: other }))).code).toBe('KTL_FORBIDDEN')
  })
})

describe('a secret that cannot be used', () => {
  it.each([
    ['a comma', { KONTROL_TOKEN: ',' }, 'KONTROL_TOKEN holds no secret'],
    ['blanks', { KONTROL_TOKEN: '   ' }, 'KONTROL_TOKEN holds no secret'],
    ['nothing', { KONTROL_TOKEN: '' }, 'KONTROL_TOKEN holds no secret'],
    ['an empty file', { KONTROL_TOKEN_FILE: '/dev/null' }, 'KONTROL_TOKEN_FILE holds no secret'],
    ['a file that is not there', { KONTROL_READ_TOKEN_FILE: '/nowhere' }, 'KONTROL_READ_TOKEN_FILE must name'],
    ['what no header holds', { KONTROL_PING_TOKEN: 'web=a b' }, 'KONTROL_PING_TOKEN holds a secret that cannot stand'],
    ['a key that is none', { KONTROL_TLS_CERT: '/dev/null', KONTROL_TLS_KEY: '/dev/null' }, 'KONTROL_TLS_CERT']
  ])('as %s keeps the program from starting, with 78 (case 8)', async (_what, env, words) => {
    await using service = await createService({ env })
    const child = service.spawn()
    const [code] = (await once(child, 'close')) as [number | null]

    expect([code, service.output]).toEqual([78, expect.stringContaining(words)])
  })
})
