import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it } from 'vitest'
import { eventually } from '../../support/eventually.ts'
import { freePort } from '../../support/free-port.ts'
import { kontrol } from '../../support/service/kontrol-cli.ts'
import { startService } from '../../support/service/start-service.ts'

interface ShownServer {
  name: string
  status: string
  since: string
  check?: string
}

/** Web servers at addresses of this host, at one port: each answers with the status of its address. */
async function startPods(statusOf: Readonly<Record<string, number>>) {
  const servers: Server[] = []
  let port = 0
  for (const [host, status] of Object.entries(statusOf)) {
    const server = createServer((_, response) => response.writeHead(status, { connection: 'close' }).end())
    server.listen(port, host)
    await once(server, 'listening')
    port = (server.address() as AddressInfo).port
    servers.push(server)
  }
  return {
    port,
    async [Symbol.asyncDispose]() {
      for (const server of servers) {
        server.close()
        server.closeAllConnections()
        await once(server, 'close')
      }
    }
  }
}

const template = (port: number, podPort: number): string => `frontend proxy
  bind 127.0.0.1:${port}
  mode http
  default_backend web
backend web
  mode http
  option httpchk GET /
  # A check may take as long as "inter", and a busy machine takes its time.
  default-server inter 1s fastinter 100ms downinter 100ms fall 1
{% for pod in pods['web'] %}
  server {{ pod.id }} {{ pod.ip }}:${podPort} check
{% endfor %}
`

describe('a server that takes no requests', () => {
  it('is shown with the moment since when, and with what HAProxy found, the same until it changes', async () => {
    await using pods = await startPods({ '127.0.0.2': 200, '127.0.0.3': 503, '127.0.0.4': 200 })
    await using service = await startService({
      template: template(await freePort(), pods.port),
      env: { KONTROL_TTL: '600', KONTROL_DAMPER: '0.1' }
    })
    const began = Date.now()
    const servers = async (): Promise<ShownServer[]> => {
      const { status, body } = await service.get('/api/v1/haproxy')
      expect(status, body).toBe(200)
      return (JSON.parse(body) as { proxies: { servers: ShownServer[] }[] }).proxies.flatMap(({ servers }) => servers)
    }
    await service.ready()
    for (const [n, id] of Object.entries({ 2: 'well', 3: 'ill', 4: 'out', 5: 'gone' })) {
      await service.ping(`127.0.0.${n}`, { app: 'web', id })
    }
    await eventually(async () => (await servers()).length === 4)
    await service.send('POST', '/api/v1/haproxy/servers', '{"backend":"web","server":"out","state":"maint"}')
    await eventually(async () => {
      const found = Object.fromEntries((await servers()).map(({ name, status, check }) => [name, [status, check]]))
      expect(found).toEqual({
        well: ['UP', 'L7OK/200, Layer7 check passed'],
        ill: ['DOWN', 'L7STS/503, Service Unavailable'],
        out: ['MAINT', undefined],
        gone: ['DOWN', 'L4CON, Connection refused']
      })
      return true
    })

    for (const { since } of await servers()) {
      expect(Date.parse(since)).toBeGreaterThan(began - 2_000)
      expect(Date.parse(since)).toBeLessThanOrEqual(Date.now())
    }
    const { stdout } = await kontrol(['servers', '--url', service.url])
    expect(stdout).toMatch(/^BACKEND +SERVER +ADDRESS +STATUS +SINCE +SESSIONS +TOTAL +WHY\n/)
    expect(stdout).toMatch(/^web +well +\S+ +UP +\d+ s +0 +0$/m)
    expect(stdout).toMatch(/^web +ill +\S+ +DOWN +\d+ s +0 +0 +L7STS\/503, Service Unavailable$/m)
    expect(stdout).toMatch(/^web +out +\S+ +MAINT +\d+ s +0 +0$/m)
    expect(stdout).toMatch(/^web +gone +\S+ +DOWN +\d+ s +0 +0 +L4CON, Connection refused$/m)
    const status = await kontrol(['status', '--url', service.url])
    expect(status.stdout).toMatch(/^servers +4, 2 down: ill for \d+ s \(L7STS\/503, Service Unavailable\), gone for /m)

    const seen = await servers()
    const until = Date.now() + 2_000
    while (Date.now() < until) {
      expect((await servers()).map(({ since }) => since)).toEqual(seen.map(({ since }) => since))
    }
  })
})
