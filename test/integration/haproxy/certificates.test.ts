import { execFile } from 'node:child_process'
import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect } from 'node:tls'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { eventually } from '../../support/eventually.ts'
import { ownAddress, startHaproxy } from '../../support/haproxy/start-haproxy.ts'
import { tempDir, type TempDir } from '../../support/temp-dir.ts'

const run = promisify(execFile)

/** A pair as a Kubernetes secret holds it. */
async function writePair(dir: TempDir, name: string): Promise<void> {
  const arguments_ = [
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:prime256v1',
    '-nodes',
    '-days',
    '2'
  ]
  const files = ['-subj', `/CN=${name}`, '-keyout', dir.file('tls.key'), '-out', dir.file('tls.crt')]
  await run('openssl', [...arguments_, ...files])
}

async function writeBundle(dir: TempDir, name: string): Promise<void> {
  await writePair(dir, name)
  const parts = await Promise.all(['tls.crt', 'tls.key'].map(async (file) => await readFile(dir.file(file), 'utf8')))
  await writeFile(dir.file('site.pem'), parts.join(''))
  await Promise.all(['tls.crt', 'tls.key'].map(async (file) => await rm(dir.file(file))))
}

/** Who the proxy says it is. */
async function nameOf(host: string): Promise<string | undefined> {
  return await new Promise((resolve, reject) => {
    const socket = connect({ host, port: 8443, rejectUnauthorized: false }, () => {
      resolve(socket.getPeerCertificate().subject.CN as string)
      socket.destroy()
    })
    socket.on('error', reject)
  })
}

const proxy = (address: string, certificate: string): string =>
  `frontend tls\n  mode http\n  bind ${address}:8443 ssl crt ${certificate}\n  http-request return status 200\n`

describe('A certificate that changes on disk', () => {
  it.each([
    ['in one file', writeBundle, 'site.pem'],
    ['in two, as a Kubernetes secret has it', writePair, 'tls.crt']
  ])('is served without a reload, %s', async (_name, write, file) => {
    await using dir = await tempDir()
    await using haproxy = await startHaproxy()
    const address = ownAddress()
    await write(dir, 'first.test')
    await haproxy.driver.configure(proxy(address, dir.file(file)))
    await haproxy.driver.restart()
    expect(await nameOf(address)).toBe('first.test')

    await write(dir, 'second.test')

    await eventually(async () => (await nameOf(address)) === 'second.test')
    expect(await haproxy.driver.status()).toMatchObject({ reloads: 1, problems: [] })
  })

  it('is given to the worker that serves, while a former one answers too', { timeout: 40_000 }, async () => {
    await using dir = await tempDir()
    await using haproxy = await startHaproxy()
    const address = ownAddress()
    // With more threads than one, a HAProxy of any version may see only a minute later that its grace is over.
    const text = (seconds: number): string =>
      `global\n  grace 6s\n  nbthread 1\n${proxy(address, dir.file('site.pem'))}  timeout client ${seconds}s\n`
    await writeBundle(dir, 'first.test')
    for (const seconds of [30, 31]) {
      await haproxy.driver.configure(text(seconds))
      await haproxy.driver.restart()
    }
    // Until it has been looked at, what is new is not told from what was there.
    await sleep(2_500)

    await writeBundle(dir, 'second.test')

    await eventually(() => haproxy.lines.some(({ msg }) => msg === 'certificate replaced'))
    // The former one goes, and what it had been told goes with it.
    await eventually(async () => (await haproxy.driver.status()).oldWorkers.length === 0)
    expect(await nameOf(address)).toBe('second.test')
  })

  it('is offered again when HAProxy did not answer', { timeout: 40_000 }, async () => {
    await using dir = await tempDir()
    await using haproxy = await startHaproxy()
    const address = ownAddress()
    await writeBundle(dir, 'first.test')
    await haproxy.driver.configure(proxy(address, dir.file('site.pem')))
    await haproxy.driver.restart()
    // Until it has been looked at, what is new is not told from what was there.
    await sleep(2_500)
    const socket = join(haproxy.dataFolder, 'haproxy/admin.sock')
    await rename(socket, `${socket}.away`)
    try {
      await writeBundle(dir, 'second.test')
      await eventually(() => haproxy.driver.problems()[0]?.code === 'KTL_HAPROXY_CERTIFICATE', 20_000)
    } finally {
      await rename(`${socket}.away`, socket)
    }

    await eventually(async () => (await nameOf(address)) === 'second.test', 15_000)
    await eventually(() => haproxy.driver.problems().length === 0)
  })

  it('is refused when its key is another one, and the former stays', async () => {
    await using dir = await tempDir()
    await using haproxy = await startHaproxy()
    const address = ownAddress()
    await writeBundle(dir, 'first.test')
    await haproxy.driver.configure(proxy(address, dir.file('site.pem')))
    await haproxy.driver.restart()

    const good = await readFile(dir.file('site.pem'), 'utf8')
    await writePair(dir, 'other.test')
    await writeFile(
      dir.file('site.pem'),
      good.replace(/-----BEGIN CERT[\s\S]*?-----END CERTIFICATE-----\n/, await readFile(dir.file('tls.crt'), 'utf8'))
    )

    await eventually(() => haproxy.driver.problems()[0]?.code === 'KTL_HAPROXY_CERTIFICATE')
    expect(haproxy.driver.problems()[0]?.message).toContain('inconsistencies between private key and certificate')
    expect(await nameOf(address)).toBe('first.test')
    await writeBundle(dir, 'second.test')
    await eventually(async () => (await nameOf(address)) === 'second.test')
    // HAProxy serves it before it has told us so.
    await eventually(() => haproxy.driver.problems().length === 0)
  })
})
