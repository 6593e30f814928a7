import { createServer } from 'node:http'
import { createServer as createSocketServer } from 'node:net'
import { once } from 'node:events'
import { mkdir } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { describe, expect, it } from 'vitest'
import { runSubprocess } from '../../../src/platform/process/subprocess.ts'
import { freePort } from '../../support/free-port.ts'
import { tempDir } from '../../support/temp-dir.ts'

const SCRIPT = new URL('../../../docker/healthcheck.js', import.meta.url).pathname

async function health(env: Record<string, string>, ...args: string[]): Promise<number | null> {
  const { code } = await runSubprocess(process.execPath, [SCRIPT, ...args], { env: { ...process.env, ...env } })
  return code
}

describe('docker/healthcheck.js', () => {
  it('is about the control tier', async () => {
    const tier = createServer((request, response) => response.writeHead(request.url === '/healthz' ? 200 : 404).end())
    await once(tier.listen(0, '127.0.0.1'), 'listening')
    const KONTROL_PORT = String((tier.address() as AddressInfo).port)

    expect(await health({ KONTROL_PORT })).toBe(0)
    tier.closeAllConnections()
    await new Promise((resolve) => tier.close(resolve))
    expect(await health({ KONTROL_PORT })).toBe(1)
  })

  it('lets a container live in which HAProxy runs without its control tier, and no other', async () => {
    await using dir = await tempDir()
    const env = { KONTROL_PORT: String(await freePort()), KONTROL_DATA: dir.path }
    expect(await health(env, 'either')).toBe(1)

    await mkdir(dir.file('haproxy'))
    const haproxy = createSocketServer().listen(dir.file('haproxy/master.sock'))
    await once(haproxy, 'listening')

    expect(await health(env, 'either')).toBe(0)
    expect(await health(env)).toBe(1)
    haproxy.close()
  })
})
