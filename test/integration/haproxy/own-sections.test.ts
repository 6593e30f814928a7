import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { exchange } from '../../../src/haproxy/socket/exchange.ts'
import { ask } from '../../support/haproxy/ask.ts'
import { eventually } from '../../support/eventually.ts'
import { startHttpBackend } from '../../support/haproxy/http-backend.ts'
import { ownAddress, startHaproxy, type DrivenHaproxy } from '../../support/haproxy/start-haproxy.ts'
import { tempDir } from '../../support/temp-dir.ts'

const told = async ({ dataFolder }: DrivenHaproxy, command: string): Promise<string> =>
  await exchange(join(dataFolder, 'haproxy/admin.sock'), command, { mayBeSilent: true })

/** Of `web`, by server: operational and administrative state. */
async function states(haproxy: DrivenHaproxy): Promise<Record<string, string>> {
  const rows = [...(await told(haproxy, 'show servers state web')).matchAll(/^\d+ web \d+ (\w+) \S+ (\d+) (\d+) /gm)]
  return Object.fromEntries(
    rows.map(([, name = '', operational, administrative]) => [name, `${operational} ${administrative}`])
  )
}

const TIMEOUTS = 'timeout connect 1s\n  timeout client 10s\n  timeout server 10s'

describe('An operator who has sections of their own', () => {
  it.each([
    ['without a name', `defaults\n  mode http\n  ${TIMEOUTS}\n`, ''],
    ['with a name', `defaults web # all\n  mode http\n  ${TIMEOUTS}\n`, ' from web'],
    ['one after another', `defaults a\n  mode http\ndefaults b from a\n  ${TIMEOUTS}\n`, ' from b']
  ])('keeps what is known of servers over a reload, with defaults %s', async (_how, defaults, from) => {
    await using haproxy = await startHaproxy()
    const address = ownAddress()
    const text = (queue: number): string => `${defaults}frontend f${from}
  bind ${address}:8080
  default_backend web
backend web${from}
  timeout queue ${queue}s
  default-server inter 60s fastinter 50 fall 1
  server down 127.0.0.1:9 check
  server byhand 127.0.0.1:10
  server fine 127.0.0.1:11
`
    await haproxy.apply(text(1))
    await told(haproxy, 'set server web/byhand state maint')
    await eventually(async () => (await states(haproxy)).down === '0 0')

    await haproxy.apply(text(2))

    // Without a check in between: the next one comes in a minute.
    expect(await states(haproxy)).toEqual({ down: '0 0', byhand: '0 1', fine: '2 0' })
    expect(await haproxy.driver.status()).toMatchObject({ reloads: 2 })
  })

  it('has idle connections of clients wait for their next request over a reload', async () => {
    await using pod = await startHttpBackend('hello')
    await using haproxy = await startHaproxy()
    const address = ownAddress()
    const text = (queue: number): string => `defaults\n  mode http\n  ${TIMEOUTS}
frontend f\n  bind ${address}:8080\n  default_backend web
backend web\n  timeout queue ${queue}s\n  server a ${pod.host}:${pod.port}\n`
    await haproxy.apply(text(1))
    const client = connect(8080, address)
    await once(client, 'connect')
    const answers = client[Symbol.asyncIterator]() as AsyncIterator<Buffer, undefined>
    const request = async (): Promise<string> => {
      client.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n')
      return (await answers.next()).value?.toString() ?? ''
    }
    expect(await request()).toContain('200 OK')

    await haproxy.apply(text(2))
    await sleep(500)

    expect(await request()).toContain('200 OK')
    client.destroy()
  })

  it('says with how many threads HAProxy runs, and is told where that is wrong', async () => {
    await using haproxy = await startHaproxy()
    const address = ownAddress()
    const text = (threads: string): string =>
      `# ours\nglobal\n  maxconn 500\n  nbthread ${threads}\ndefaults\n  mode http\n  ${TIMEOUTS}\nfrontend f\n  bind ${address}:8080\n  http-request return status 200 content-type text/plain string hi\n`

    await haproxy.apply(text('1'))
    expect(await told(haproxy, 'show info')).toContain('\nNbthread: 1\n')
    await haproxy.apply(text('2'))
    expect(await told(haproxy, 'show info')).toContain('\nNbthread: 2\n')

    await expect(haproxy.driver.configure(text('many'))).rejects.toMatchObject({
      code: 'KTL_HAPROXY_CONFIG_REJECTED',
      message: expect.stringMatching(/\[haproxy\.cfg:4\].*nbthread/) as string
    })
    expect(await ask(address)).toBe('hi')
    // As an operator wrote it, whatever became of it on disk.
    const driver = await haproxy.takeOver()
    expect(await driver.configure(text('2'))).toMatchObject({ outcome: 'unchanged' })
  })

  it.each([
    ['of their own', `defaults\n  mode tcp\n  ${TIMEOUTS}\n`, ''],
    ['of ours', '', '  mode tcp\n'],
    ['without a mode', `defaults\n  ${TIMEOUTS}\nbackend other\n  mode http\n`, ''],
    ['for HTTP, and a proxy of TCP', `defaults\n  mode http\n  ${TIMEOUTS}\n`, '  mode tcp\n'],
    ['for HTTP', `defaults\n  mode http\n  ${TIMEOUTS}\n`, '']
  ])('who take no warnings have none of us, with defaults %s', async (_whose, defaults, mode) => {
    await using haproxy = await startHaproxy()
    const address = ownAddress()

    await haproxy.apply(
      `global\n  zero-warning\n${defaults}frontend f\n${mode}  bind ${address}:8080\n  default_backend web\nbackend web\n${mode}  server a 127.0.0.1:9\n`
    )

    expect(await told(haproxy, 'show stat')).toContain('\nweb,a,')
  })

  it('who take no warnings get their reload while a server is down, and it stays so', async () => {
    await using haproxy = await startHaproxy()
    const address = ownAddress()
    const text = (queue: number): string => `global\n  zero-warning\ndefaults\n  mode http\n  ${TIMEOUTS}
frontend f\n  bind ${address}:8080\n  default_backend web
backend web\n  timeout queue ${queue}s\n  default-server inter 60s fastinter 50ms fall 1
  server down 127.0.0.1:9 check\n  server fine 127.0.0.1:11\n`
    await haproxy.apply(text(1))
    await eventually(async () => (await states(haproxy)).down === '0 0')

    await haproxy.apply(text(2))

    expect(await states(haproxy)).toEqual({ down: '0 0', fine: '2 0' })
    const warned = text(3).replace('mode http', 'mode tcp\n  option forwardfor')
    await expect(haproxy.driver.configure(warned)).rejects.toThrow(/'zero-warning' is set/)
    // One that is killed in the middle of a reload leaves what it knew of servers to the next.
    await writeFile(join(haproxy.dataFolder, 'haproxy/server-state'), await told(haproxy, 'show servers state'))
    const driver = await haproxy.takeOver()
    expect(await driver.configure(text(2))).toMatchObject({ outcome: 'unchanged' })
    expect(await haproxy.apply(text(4))).toMatchObject({ outcome: 'reload' })
  })

  it('who say which files belong to a certificate have them by their full names', async () => {
    await using dir = await tempDir()
    await using haproxy = await startHaproxy()
    const pair = ['-keyout', dir.file('tls.crt.key'), '-out', dir.file('tls.crt'), '-subj', '/CN=full.test']
    await promisify(execFile)('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', ...pair])

    await haproxy.apply(
      `global\n  ssl-load-extra-files all\ndefaults\n  mode http\n  ${TIMEOUTS}\nfrontend f\n  bind ${ownAddress()}:8443 ssl crt ${dir.file('tls.crt')}\n`
    )

    expect(await told(haproxy, `show ssl cert ${dir.file('tls.crt')}`)).toContain('CN=full.test')
  })

  it('who reset the environment keep stick tables and reloads', async () => {
    await using haproxy = await startHaproxy()
    const address = ownAddress()
    const text = (size: string): string =>
      `global\n  localpeer me\n  resetenv PATH HOME\ndefaults\n  mode http\n  ${TIMEOUTS}\nfrontend f\n  bind ${address}:8080\n  stick-table type ip size ${size} peers kontrol\n`

    await haproxy.apply(text('1k'))
    await haproxy.apply(text('2k'))

    expect(await told(haproxy, 'show peers')).toContain('id=me')
    expect(await haproxy.driver.status()).toMatchObject({ reloads: 2 })
  })

  it('who put a prefix before unix sockets are told so before a reload fails', async () => {
    await using haproxy = await startHaproxy()

    await expect(
      haproxy.driver.configure('global\n  unix-bind mode 600 prefix /tmp/x-\nfrontend f\n  bind 127.0.0.1:1\n')
    ).rejects.toMatchObject({
      code: 'KTL_HAPROXY_CONFIG_REJECTED',
      message: expect.stringContaining('line 2: "unix-bind prefix"') as string
    })
  })

  it('has it end those who do not end sooner than we would', async () => {
    await using haproxy = await startHaproxy()
    const address = ownAddress()
    const text = (queue: number): string =>
      `global\n  hard-stop-after 500ms\ndefaults\n  mode tcp\n  ${TIMEOUTS}\nfrontend f\n  bind ${address}:8080\n  default_backend web\nbackend web\n  timeout queue ${queue}s\n  server a ${address}:8080\n`
    await haproxy.apply(text(1))
    const client = connect(8080, address)
    await once(client, 'connect')
    const cut = once(client, 'close', { signal: AbortSignal.timeout(5_000) })
    client.resume().on('error', () => {})

    await haproxy.apply(text(2))

    await cut
    expect(haproxy.lines.filter(({ msg }) => msg === 'haproxy alert')).toEqual([])
    expect(await readFile(join(haproxy.dataFolder, 'haproxy/base.cfg'), 'utf8')).not.toContain('hard-stop-after')
  })
})
