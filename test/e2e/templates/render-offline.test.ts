import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { eventually } from '../../support/eventually.ts'
import { ownAddress } from '../../support/haproxy/start-haproxy.ts'
import { startService } from '../../support/service/start-service.ts'
import { tempDir } from '../../support/temp-dir.ts'

const MAIN = join(import.meta.dirname, '../../../dist/main.js')

/** Shows all that a template is given, and fails with one pod. */
const template = (address: string): string => `# {{ env|tojson }}
# {{ hosts }} {{ namespace }} {{ labels }}
{% for app, list in pods.items() %}{% for pod in list %}
# {{ pod }} {{ pod.payload is none }} {{ pod.nonce is defined }} {{ pod.payload.weight|default(1) * 2 }}
{% endfor %}{% endfor %}
defaults
  mode http
  timeout client 5s
  timeout connect 1s
  timeout server 5s
listen web
  bind ${address}:8080
{% for pod in pods.web %}
  server {{ pod.id }} {{ pod.ip }}:{{ pod.payload.port|default(80) }}
{% endfor %}
`

const PAYLOADS = [
  undefined,
  null,
  '',
  { weight: 3, port: 8081 },
  { n: { deep: [[null, true, 'ü😀']] }, z: 1, a: 2 },
  { weight: null },
  { port: 'x' }
]

describe('kontrol render', () => {
  it('gives what the service renders, from its API and from files', async () => {
    await using folder = await tempDir()
    const text = template(ownAddress())
    const labels = { app: 'haproxy', role: 'balancer', zone: 'a' }
    await using service = await startService({
      template: text,
      env: { NAMESPACE: 'edge', KONTROL_LABELS: JSON.stringify(labels), KONTROL_DAMPER: '0.1' }
    })
    for (const [index, payload] of PAYLOADS.entries()) {
      const nonce = index % 2 === 0 ? { nonce: `n${index}` } : {}
      await service.ping(`10.1.0.${9 - index}`, { id: `web-${index}`, key: `w${index}`, payload, ...nonce })
    }
    const numbers =
      '{"app":"9","id":"n","ip":"10.1.1.1","key":"n","role":"","payload":{"i":12345678901234567890,"f":1.0}}'
    expect((await service.send('PUT', '/ping', numbers)).status).toBe(200)
    await service.ping('10.1.1.2', { app: 'haproxy', id: 'p', key: 'p' })
    await service.ping('10.1.1.3', { app: '10', id: 'last', key: 'l' })
    const rendered = await eventually(async () => {
      const { body } = await service.get('/api/v1/config?candidate')
      // One payload makes the template fail, another HAProxy.
      return body.includes("'last'") && !/'web-[56]'/.test(body) ? body.trimEnd() : undefined
    }, 30_000)
    expect(rendered).toContain("'i': 12345678901234567890, 'f': 1.0}")

    const run = async (...args: string[]) => {
      const all = [MAIN, 'render', '--template', folder.file('t.j2'), '--check', ...args]
      return await promisify(execFile)(process.execPath, all, { env: { PATH: process.env.PATH, NAMESPACE: 'edge' } })
    }
    writeFileSync(folder.file('t.j2'), text)
    const given = [...['--labels', JSON.stringify(labels)], ...['--env', /^# (\{.*\})$/m.exec(rendered)?.[1] ?? '']]
    const live = await run('--from', service.url, ...given)
    expect(live.stdout.trimEnd()).toBe(rendered)
    expect(live.stderr).toMatch(/Pod w5 of web .* is left out.*TypeError/)
    expect(live.stderr).toMatch(/Pod w6 of web .* is left out.*port/)

    writeFileSync(folder.file('pods.json'), (await service.get('/api/v1/pods')).body)
    const files = await run('--pods', folder.file('pods.json'), ...given)
    expect(files.stdout.trimEnd()).toBe(rendered)
  })
})
