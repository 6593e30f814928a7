import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { compileTemplate } from '../../../src/render/template.ts'
import { makePod } from '../../support/registry/make-pod.ts'
import type { Pod } from '../../../src/model/pod.ts'

const sample = (name: string): string =>
  readFileSync(join(import.meta.dirname, '../../fixtures/templates', name), 'utf8')
const hosts = new Map([
  ['api', ['10.0.1.1']],
  ['web', ['10.0.0.1', '10.0.0.2']]
])
const pod: Pod = {
  app: 'web',
  id: 'web-0',
  ip: '10.0.0.1',
  key: 'k0',
  role: 'server',
  seq: 0,
  firstSeen: 1_700_000_000_000,
  payload: { weight: 10, load: 0.5, zone: 'a', tags: ['x', null], nested: { length: 3 } }
}

describe('compileTemplate', () => {
  it('renders the HTTP sample of the original README', () => {
    const text = compileTemplate(sample('http.cfg.j2')).render({ hosts }).text

    expect(text.split('\n').slice(-4)).toEqual([
      '  default-server      inter 5s fall 1 rise 1',
      '  server api-1 10.0.1.1:80 check on-error mark-down observe layer7 error-limit 1',
      '  server web-1 10.0.0.1:80 check on-error mark-down observe layer7 error-limit 1',
      '  server web-2 10.0.0.2:80 check on-error mark-down observe layer7 error-limit 1'
    ])
  })

  it('renders the TCP sample of the original README', () => {
    const text = compileTemplate(sample('zookeeper.cfg.j2')).render({ hosts }).text

    expect(text).toContain('\n  mode tcp\n  server api-1 10.0.1.1:2181\n  server web-1 10.0.0.1:2181\n')
  })

  it('renders one template again and again, each time from the hosts alone', () => {
    const template = compileTemplate(
      '{% set ns = namespace(n=0) %}{% for h in hosts %}{% set ns.n = ns.n + 1 %}{% endfor %}{{ ns.n }}'
    )

    expect([hosts, new Map<string, string[]>(), hosts].map((one) => template.render({ hosts: one }).text)).toEqual([
      '2',
      '0',
      '2'
    ])
  })

  it('has a payload of none for a pod that sent nothing, as for one that sent null', () => {
    const template = compileTemplate(
      '{% for p in pods.web %}{{ p.payload }} {{ p.payload.port|default(80) }};{% endfor %}'
    )
    const pods = new Map([['web', [makePod(0), makePod(1, { payload: null }), makePod(2, { payload: { port: 1 } })]]])

    expect(template.render({ hosts, pods }).text).toBe("None 80;None 80;{'port': 1} 1;")
  })

  it('shows the pods with their payloads, whole numbers as ints', () => {
    const template = compileTemplate(
      '{% for app, list in pods.items() %}{% for p in list %}{{ app }} {{ p.id }} {{ p.seq }} {{ p.payload.weight * 2 }} {{ p.payload.load }} {{ p.payload.tags }} {{ p.payload.nested.length }} {{ p.nonce is defined }}{% endfor %}{% endfor %}'
    )

    expect(template.render({ hosts, pods: new Map([['web', [pod]]]) }).text).toBe(
      "web web-0 0 20 0.5 ['x', None] 3 False"
    )
  })

  it('gives namespace, labels and env, and the function namespace() too', () => {
    const template = compileTemplate(
      '{{ namespace }} {{ labels.app }} {{ env.KONTROL_PORT }} {% set ns = namespace(a=1) %}{{ ns.a }} {{ namespace ~ "-x" }}'
    )

    expect(
      template.render({ hosts, namespace: 'prod', labels: { app: 'proxy' }, env: { KONTROL_PORT: '8000' } }).text
    ).toBe('prod proxy 8000 1 prod-x')
  })

  it('takes what is not given for undefined', () => {
    expect(compileTemplate('[{{ pods }}{{ namespace is string }}]').render({ hosts }).text).toBe('[False]')
  })

  it('never changes the hosts that it was given', () => {
    compileTemplate("{{ hosts.web.append('x') }}{{ hosts.pop('api') }}").render({ hosts })

    expect(hosts.get('web')).toEqual(['10.0.0.1', '10.0.0.2'])
    expect(hosts.has('api')).toBe(true)
  })
})
