import { writeFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { eventually } from '../../support/eventually.ts'
import { serviceInNamespace, type ServiceInNamespace } from '../../support/service/service-in-namespace.ts'
import { tempDir } from '../../support/temp-dir.ts'

interface Readiness {
  problems: { code: string; message: string; hint: string }[]
}

const template = (port: number) => `
frontend proxy
  mode http
  bind *:${port}
  default_backend web

backend web
  mode http
  {%- for ip in hosts.get('web', []) %}
  server web-{{ loop.index }} {{ ip }}:80
  {%- endfor %}
`

/** What the first problem that speaks of binding says, once there is one. */
async function toldOfBinding({ service }: ServiceInNamespace): Promise<string> {
  const { message, hint } = await eventually(async () => {
    const { problems } = await service.json<Readiness>('/readyz')
    return problems.find(({ message }) => message.includes('bind'))
  }, 30_000)
  return `${message} ${hint}`
}

describe('a template that binds port 80, as the original README has it', { timeout: 120_000 }, () => {
  it.each([
    ['at the start', 80],
    ['in the place of one that runs', 8080]
  ])('is told %s what is missing where the user may not, and how to give it', async (_when, firstPort) => {
    await using dir = await tempDir()
    const file = dir.file('haproxy.cfg.j2')
    await writeFile(file, template(firstPort))
    await using subject = await serviceInNamespace({ env: { KONTROL_CONFIG_FILE: file } })
    const { service, network } = subject
    // Root without this capability, in a network whose ports below 1024 need it: as any user in a container.
    service.setPrefix([...network.prefix, 'setpriv', '--inh-caps=-all', '--bounding-set=-net_bind_service'])
    await service.start()

    if (firstPort !== 80) {
      await service.ready()
      await writeFile(file, template(80))
    }

    const told = await toldOfBinding(subject)
    expect(told).toMatch(/\*:80|0\.0\.0\.0:80/)
    expect(told).toContain('net.ipv4.ip_unprivileged_port_start')
    expect(told).toContain('NET_BIND_SERVICE')
  })
})
