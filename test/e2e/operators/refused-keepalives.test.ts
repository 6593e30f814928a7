import { request } from 'undici'
import { describe, expect, it } from 'vitest'
import { eventually } from '../../support/eventually.ts'
import { startService, type RunningService } from '../../support/service/start-service.ts'
import { NpmZerorpcClient } from '../../support/zerorpc/zerorpc-clients.ts'

const TOKEN = 'a-secret-of-thirty-two-letters-0'

const keepalive = (pod: number): string =>
  JSON.stringify({ app: 'web', id: `web-${pod}`, ip: `127.0.0.${pod}`, key: `k${pod}`, role: 'web' })

async function ping(service: RunningService, body: string, headers: Record<string, string> = {}): Promise<number> {
  const url = `${service.url}/ping`
  const answer = await request(url, {
    method: 'PUT',
    body,
    headers: { 'content-type': 'application/json', ...headers }
  })
  await answer.body.dump()
  return answer.statusCode
}

/** How many were refused, by the code of the error. */
async function refused(service: RunningService): Promise<Record<string, number>> {
  const { body } = await service.get('/metrics')
  const counts = body.matchAll(/^kontrol_keepalives_refused_total\{code="(\w+)"\} (\d+)$/gm)
  return Object.fromEntries([...counts].map(([, code = '', count]) => [code, Number(count)]))
}

describe('a keepalive that is refused is counted once, by its code', () => {
  it('over HTTP: at the door, as text, as a keepalive, and by the registry', async () => {
    await using service = await startService({ env: { KONTROL_PING_TOKEN: TOKEN, KONTROL_PODS_PER_APP: '1' } })
    const authorization = `Bearer ${TOKEN}`

    expect(await ping(service, keepalive(11))).toBe(401)
    expect(await ping(service, keepalive(11), { authorization: 'Bearer wrong' })).toBe(401)
    expect(await ping(service, '{"app":', { authorization })).toBe(400)
    expect(await ping(service, '{"app":"web"}', { authorization })).toBe(400)
    expect(await ping(service, `"${'x'.repeat(65 * 1024)}"`, { authorization })).toBe(413)
    expect(await ping(service, keepalive(11), { authorization })).toBe(200)
    expect(await ping(service, keepalive(12), { authorization })).toBe(503)

    expect(await refused(service)).toEqual({
      KTL_UNAUTHORIZED: 2,
      KTL_REQUEST_INVALID: 1,
      KTL_KEEPALIVE_INVALID: 1,
      KTL_BODY_TOO_LARGE: 1,
      KTL_REGISTRY_FULL: 1
    })
  })

  it('over ZeroRPC, whose callers are told OK', async () => {
    await using service = await startService({ env: { KONTROL_PODS_PER_APP: '1' } })
    const client = new NpmZerorpcClient(service.port)
    try {
      for (const body of ['{"app":', '{"app":"web"}', keepalive(11), keepalive(12)]) await client.call('ping', body)
      await eventually(async () => Object.keys(await refused(service)).length === 3)
    } finally {
      client.close()
    }
    expect(await refused(service)).toEqual({
      KTL_REQUEST_INVALID: 1,
      KTL_KEEPALIVE_INVALID: 1,
      KTL_REGISTRY_FULL: 1
    })
  })

  it('over ZeroRPC where a token is wanted, which it cannot show', async () => {
    await using service = await startService({ env: { KONTROL_PING_TOKEN: TOKEN } })
    const client = new NpmZerorpcClient(service.port)
    try {
      await expect(client.call('ping', keepalive(11))).rejects.toThrow()
    } finally {
      client.close()
    }
    expect(await refused(service)).toEqual({ KTL_UNAUTHORIZED: 1 })
  })
})
