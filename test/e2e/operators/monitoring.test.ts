import { execFileSync } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { request } from 'undici'
import { describe, expect, it } from 'vitest'
import { eventually } from '../../support/eventually.ts'
import { freePort } from '../../support/free-port.ts'
import { startHttpBackend } from '../../support/haproxy/http-backend.ts'
import { startService } from '../../support/service/start-service.ts'

const FOLDER = join(import.meta.dirname, '../../../docs/monitoring')
const FILES = ['alerts.yaml', 'control-plane.json', 'traffic.json']

/** Names as they stand in expressions; a histogram's parts are named after it. */
async function namesUsed(): Promise<Set<string>> {
  const texts = await Promise.all(FILES.map((name) => readFile(join(FOLDER, name), 'utf8')))
  return new Set(texts.join('\n').match(/\b(?:kontrol|haproxy|process)_[a-z_]+\b/g))
}

const namesOf = (metrics: string): string[] =>
  [...metrics.matchAll(/^([a-z_]+)(?:\{| )/gm)].map(([, name = '']) => name)

async function scrape(url: string): Promise<string> {
  return await (await request(url)).body.text()
}

describe('docs/monitoring', () => {
  it('has rules that fire when they should, by promtool', () => {
    const promtool = (...words: string[]) => execFileSync('promtool', words, { cwd: FOLDER, encoding: 'utf8' })

    expect(promtool('check', 'rules', 'alerts.yaml')).toContain('SUCCESS')
    expect(promtool('test', 'rules', 'alerts.test.yaml')).toContain('SUCCESS')
  })

  it('names only metrics that a proxy and its HAProxy have', async () => {
    const [port, exporter] = [await freePort(), await freePort()]
    await using backend = await startHttpBackend('pod')
    await using service = await startService({
      template: `
frontend proxy
  bind 127.0.0.1:${port}
  mode http
  default_backend web
frontend exporter
  bind 127.0.0.1:${exporter}
  mode http
  http-request use-service prometheus-exporter
backend web
  mode http
{% for ip in hosts['web'] %}
  server s{{ loop.index }} {{ ip }}:${backend.port}
{% endfor %}
`,
      env: {
        // A master that reports to itself, and whose callback and certificates have something to tell.
        KONTROL_MODE: 'master,slave',
        KONTROL_CALLBACK: 'echo "{}"'
      }
    })
    await service.ready()
    // Nobody may ping without an app: it is refused, and counted.
    await request(`${service.url}/ping`, { method: 'PUT', body: '{}', headers: { 'content-type': 'application/json' } })
    await service.ping('127.0.0.1')
    await eventually(async () => (await scrape(`http://127.0.0.1:${port}/`)) === 'pod')

    const ours = await eventually(async () => {
      const text = await scrape(`${service.url}/metrics`)
      return /^kontrol_change_seconds_count\{plan="runtime"\} 1$/m.test(text) ? text : undefined
    })
    const has = new Set([...namesOf(ours), ...namesOf(await scrape(`http://127.0.0.1:${exporter}/metrics`))])

    // Served in clear; what a master with a certificate has, its own test knows.
    const missing = [...(await namesUsed())].filter((name) => !has.has(name))
    expect(missing).toEqual(['kontrol_certificate_end_timestamp_seconds'])
    expect(ours).toMatch(/^kontrol_keepalives_refused_total\{code="KTL_KEEPALIVE_INVALID"\} 1$/m)
    expect(ours).toMatch(/^kontrol_build_info\{version="\d+\.\d+\.\d+",node="\d+\.\d+\.\d+"\} 1$/m)
    expect(ours).toMatch(/^kontrol_haproxy_up 1$/m)
    expect(ours).toMatch(/^kontrol_leader 1$/m)
    expect(ours).toMatch(/^kontrol_store_up 1$/m)
  })
})
