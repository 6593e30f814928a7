import { execFileSync } from 'node:child_process'
import { request } from 'undici'
import { describe, expect, it } from 'vitest'
import { eventually } from '../../support/eventually.ts'
import { httpSample } from '../../support/haproxy/sample-template.ts'
import { freePort } from '../../support/free-port.ts'
import { startService } from '../../support/service/start-service.ts'

const ISO_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/
/** A time in milliseconds, as JSON has a number. */
const EPOCH_MS = /:\s*1[6-9]\d{11}\b/

async function startWithSample() {
  const ports = { proxy: await freePort(), stats: await freePort(), backend: await freePort('0.0.0.0') }
  const service = await startService({ template: httpSample(ports) })
  await service.ready()
  return service
}

describe('those who look on', () => {
  it('get metrics that promtool accepts, and that count what happened', async () => {
    await using service = await startWithSample()
    await service.ping('127.0.0.2')
    await service.ping('127.0.0.2')

    const metrics = await eventually(async () => {
      const { body } = await service.get('/metrics')
      return body.includes('kontrol_reconfigurations_total{plan="runtime",outcome="applied"} 1') ? body : undefined
    })

    expect(execFileSync('promtool', ['check', 'metrics'], { input: metrics, encoding: 'utf8' })).toBe('')
    expect(metrics).toContain('kontrol_keepalives_total 2')
    expect(metrics).toContain('kontrol_pods 1')
    expect(metrics).toContain('kontrol_problems 0')
  })

  it('are told of each event as it happens', async () => {
    await using service = await startWithSample()
    const { body, headers } = await request(`${service.url}/api/v1/events`)
    expect(headers['content-type']).toContain('text/event-stream')
    let seen = ''
    body.on('data', (chunk) => (seen += String(chunk))).on('error', () => {})

    await service.ping('127.0.0.2')
    await eventually(() => seen.includes('event: reconfigured'))
    await service.ping('127.0.0.2', { down: true })
    await eventually(() => seen.includes('event: pod-down'))

    const types = [...seen.matchAll(/^event: (\S+)$/gm)].map(([, type]) => type)
    expect(types[0]).toBe('pod-up')
    expect(types).toContain('state')
    const [, up = ''] = /^event: pod-up\ndata: (.*)$/m.exec(seen) ?? []
    expect(JSON.parse(up)).toMatchObject({ type: 'pod-up', reason: 'new', pod: { ip: '127.0.0.2', app: 'web' } })
    for (const [, data = ''] of seen.matchAll(/^data: (.*)$/gm)) {
      expect(data).not.toMatch(EPOCH_MS)
      expect(JSON.parse(data)).toMatchObject({ at: expect.stringMatching(ISO_TIME) as unknown })
    }
    body.destroy()
  })
})
