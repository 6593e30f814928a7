import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { compileTemplate } from '../../../../src/render/template.ts'
import { eventually } from '../../../support/eventually.ts'
import { startLoopbackFleet } from '../../../support/load/loopback-fleet.ts'
import { ownAddress, startHaproxy } from '../../../support/haproxy/start-haproxy.ts'

/** The templates of the original's README, their ports moved to where a test may bind. */
async function sample(name: string, address: string, backendPort: number) {
  const path = new URL(`../../../fixtures/templates/${name}`, import.meta.url)
  const source = (await readFile(path, 'utf8'))
    .replace(/\*:(?:80|2181)\b/, `${address}:8080`)
    .replace(':1936', `${address}:1936`)
    .replace(/\{\{ip\}\}:\d+/, `{{ip}}:${backendPort}`)
  const template = compileTemplate(source)
  return (hosts: Record<string, string[]>): string => template.render({ hosts: new Map(Object.entries(hosts)) }).text
}

describe('The sample template', () => {
  it.each(['http.cfg.j2', 'zookeeper.cfg.j2'])('%s takes joins and leaves without a reload', async (name) => {
    await using haproxy = await startHaproxy()
    await using fleet = await startLoopbackFleet()
    const address = ownAddress()
    const render = await sample(name, address, fleet.port)
    await haproxy.driver.configure(render({ web: ['127.0.5.1', '127.0.5.2'] }))
    await haproxy.driver.restart()

    const joined = await haproxy.driver.configure(render({ api: ['127.0.6.1'], web: ['127.0.5.1', '127.0.5.2'] }))
    const left = await haproxy.driver.configure(render({ api: ['127.0.6.1'], web: ['127.0.5.2'] }))

    expect(joined).toMatchObject({ outcome: 'applied', operations: 1 })
    expect(left).toMatchObject({ outcome: 'applied', operations: 1 })
    expect(await (await fetch(`http://${address}:8080/`)).text()).toBe('hello')
    expect(await haproxy.driver.status()).toMatchObject({ reloads: 1, problems: [] })
    const told = await eventually(() =>
      haproxy.lines.find(({ says }) => /'option [\w-]+' .*ignored/.test(String(says)))
    )
    expect(told.msg).toBe('haproxy notice')
  })

  it('of a TCP proxy warns nobody of our own default that does not bear on it', async () => {
    await using haproxy = await startHaproxy()
    const render = await sample('zookeeper.cfg.j2', ownAddress(), 80)
    await haproxy.driver.configure(render({}))
    await haproxy.driver.restart()

    const told = await eventually(() => haproxy.lines.find(({ says }) => /idle-close-on-response/.test(String(says))))
    expect(told.msg).toBe('haproxy notice')
  })
})
