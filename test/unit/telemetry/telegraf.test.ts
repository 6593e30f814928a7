import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { JinjaTemplate } from '../../../src/jinja/template.ts'
import { fromData } from '../../../src/jinja/values/from-data.ts'
import { globalTags } from '../../../src/telemetry/global-tags.ts'
import { renderTelegrafConf, type TelegrafInput } from '../../../src/telemetry/telegraf.ts'

const file = (path: string) => readFile(new URL(path, import.meta.url), 'utf8')

async function render(input: TelegrafInput): Promise<string> {
  const template = await file('../../../lifecycle/telegraf.conf.njk')
  return renderTelegrafConf(template, input, (text, variables) => {
    const values = Object.entries(variables).map(([name, data]) => [name, () => fromData(data)] as const)
    return `${new JinjaTemplate(text).render(new Map(values))}\n`
  })
}

describe('renderTelegrafConf', () => {
  it("equals the golden file for the original's labels", async () => {
    const node = { 'kubernetes.io/hostname': 'ip-10-0-3-17', 'unity3d.com/array': 'front', 'kubernetes.io/os': 'linux' }
    const pod = { app: 'haproxy', role: 'balancer', tier: 'traffic' }

    const conf = await render({
      tags: globalTags(node, pod),
      endpoint: { host: 'kairosdb.us-east-1.example.com', port: 4242 },
      statsSocket: '/data/haproxy/admin.sock'
    })

    expect(conf).toBe(await file('../../fixtures/telegraf/original-labels.conf'))
  })

  it('writes any label as a TOML string', async () => {
    const conf = await render({
      tags: { 'a"b': 'c\\d\n[[inputs.exec]]' },
      endpoint: { host: '2001:db8::9', port: 1 },
      statsSocket: '/a b/admin.sock'
    })

    expect(conf).toContain('  "a\\"b" = "c\\\\d\\n[[inputs.exec]]"\n')
    expect(conf).toContain('  host = "tcp://[2001:db8::9]"\n  port = 1\n')
    expect(conf).toContain('servers = ["socket:/a b/admin.sock"]')
  })
})
