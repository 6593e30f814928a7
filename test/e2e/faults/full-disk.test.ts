import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Reconfiguration } from '../../../src/model/reconfiguration.ts'
import { eventually } from '../../support/eventually.ts'
import { startHttpBackend } from '../../support/haproxy/http-backend.ts'
import { ownAddress } from '../../support/haproxy/start-haproxy.ts'
import { createService } from '../../support/service/start-service.ts'
import { smallDisk } from '../../support/small-disk.ts'

/**
 * Each pod has a frontend of its own, so that one that comes takes a reload.
 * Sixteen pages of comment: the page or two that other files of the data
 * folder give back, once the disk is full, are no room for it.
 */
const template = (address: string, port: number): string => `
${`# ${'-'.repeat(62)}\n`.repeat(1024)}
{%- for ip in hosts.web %}
frontend f{{ loop.index }}
  bind ${address}:{{ 8080 + loop.index }}
  mode http
  default_backend b{{ loop.index }}
backend b{{ loop.index }}
  mode http
  server s {{ ip }}:${port}
{%- endfor %}`

describe('a disk that is full, and a change that takes a reload', () => {
  it('is told, and loaded once there is room, though nothing else happens', async () => {
    const address = ownAddress()
    const ask = async (port: number): Promise<string> =>
      await (await fetch(`http://${address}:${port}/`, { headers: { connection: 'close' } })).text()
    await using disk = await smallDisk('16m')
    await using web = await startHttpBackend('one', '127.0.0.1')
    await using other = await startHttpBackend('two', '127.0.0.2', web.port)
    await using service = await createService({
      template: template(address, web.port),
      env: { KONTROL_DATA: join(disk.path, 'data'), KONTROL_TTL: '600' }
    })
    await service.start()
    await service.ping(web.host)
    await service.ready()
    await eventually(async () => (await ask(8081)) === 'one')
    await service.ping(other.host, { id: 'other' })
    await eventually(async () => (await ask(8082)) === 'two')
    // Once it is done, what it replaced has given its room back.
    await eventually(async () => {
      const { reconfigurations } = await service.json<{ reconfigurations: Reconfiguration[] }>(
        '/api/v1/reconfigurations'
      )
      return reconfigurations.some(({ cause, outcome }) => cause.includes(other.host) && outcome === 'reloaded')
    })
    await disk.fill()

    await service.ping(other.host, { id: 'other', down: true })

    await eventually(async () => {
      const { status, body } = await service.get('/readyz')
      expect(status).toBe(503)
      expect(body).toContain('ENOSPC')
      return true
    })
    expect(await ask(8081)).toBe('one')
    await disk.free()
    await service.ready()
    await expect(ask(8082)).rejects.toThrow()
    const running = (await service.get('/api/v1/config')).body
    expect(await readFile(join(disk.path, 'data', 'haproxy', 'haproxy.cfg'), 'utf8')).toBe(running)
  })
})
