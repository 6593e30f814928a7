import { connect } from 'node:net'
import { once } from 'node:events'
import { describe, expect, it } from 'vitest'
import { eventually } from '../../support/eventually.ts'
import { startHttpBackend } from '../../support/haproxy/http-backend.ts'
import { ownAddress } from '../../support/haproxy/start-haproxy.ts'
import { startService } from '../../support/service/start-service.ts'

const template = (address: string): string => `defaults
  mode http
  timeout client 5s
  timeout connect 1s
  timeout server 5s
frontend front
  bind ${address}:8080
  default_backend web
backend web
{%- for pod in pods.web %}
  # {{ pod.nonce }}
  server {{ pod.key }} {{ pod.ip }}:{{ pod.payload.port }}
{%- endfor %}
`

async function refuses(host: string, port: number): Promise<boolean> {
  const socket = connect(port, host)
  const refused = await once(socket, 'connect').then(
    () => false,
    () => true
  )
  socket.destroy()
  return refused
}

describe('a pod that writes into the configuration (case 7)', () => {
  it('is named and left out, and the others are served', async () => {
    await using web = await startHttpBackend('hello')
    const address = ownAddress()
    const leak = `listen leak\n  mode http\n  bind ${address}:9999\n  http-request return status 200 content-type text/plain lf-string %[env(PATH)]`
    await using service = await startService({ template: template(address) })
    const good = { nonce: 'n1', payload: { port: String(web.port) } }
    await service.ping('127.0.0.1', { ...good, key: 'good' })
    await service.ready()
    const ask = async (): Promise<string> => await (await fetch(`http://${address}:8080/`)).text()
    await eventually(async () => (await ask()) === 'hello')

    await service.ping('127.0.0.2', { nonce: 'n2', key: 'evil', payload: { port: `${web.port}\n${leak}` } })
    await service.ping('127.0.0.3', {
      nonce: `\nlisten leak\n  bind ${address}:9999`,
      key: 'sly',
      payload: { port: web.port }
    })
    await service.ping('127.0.0.1', { nonce: 'n3', key: 'late', payload: { port: web.port } })
    const config = await eventually(async () => {
      const { body } = await service.get('/api/v1/config')
      return body.includes('server late') ? body : undefined
    })

    expect(config).toContain('server good')
    expect(config).not.toMatch(/leak|evil|sly/)
    expect(await refuses(address, 9999)).toBe(true)
    expect(await ask()).toBe('hello')
    const { body: metrics } = await service.get('/metrics')
    expect(metrics).toMatch(/^kontrol_pods_left_out 2$/m)
    expect(metrics).toMatch(/^kontrol_alarms_total\{code="KTL_POD_TEXT_REFUSED"\} 2$/m)
    expect(service.output).toMatch(/"key":"evil","field":"payload.port"/)
    expect(service.output).toMatch(/"key":"sly","field":"nonce"/)
    expect((await service.get('/readyz')).status).toBe(200)

    await service.ping('127.0.0.2', { nonce: 'n2', key: 'evil', payload: { port: web.port } })
    await eventually(async () => (await service.get('/api/v1/config')).body.includes('server evil'))
    await eventually(async () => /^kontrol_pods_left_out 1$/m.test((await service.get('/metrics')).body))
  })
})
