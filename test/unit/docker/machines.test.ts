import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { loadConfig } from '../../../src/config.ts'
import { envTable } from '../../../src/environment.ts'

const read = (path: string): string => readFileSync(new URL(`../../../docker/${path}`, import.meta.url), 'utf8')

const known = new Set(Object.values(envTable).map(({ name }) => name))

/** `NAME=value` a line, as systemd reads them: comments, and quotes around a value. */
function environmentFile(path: string): Record<string, string> {
  const lines = read(path).split('\n')
  const pairs = lines.flatMap((line) => {
    const [, name, value = ''] = /^([A-Z_]+)=(.*)$/.exec(line) ?? []
    return name === undefined ? [] : [[name, value.replace(/^'(.*)'$/, '$1')] as const]
  })
  return Object.fromEntries(pairs)
}

/** Variables of the unit itself, which the file of settings may override. */
function unitEnvironment(path: string): Record<string, string> {
  const [, line = ''] = /^Environment=(.*)$/m.exec(read(path)) ?? []
  return Object.fromEntries(line.split(' ').map((word) => word.split('=') as [string, string]))
}

interface Service {
  image: string
  environment?: Record<string, string>
  depends_on?: Record<string, unknown>
  volumes?: string[]
}

describe('docker/systemd', () => {
  it.each([
    ['kontrol', { isMaster: true, isSlave: true, app: 'haproxy', dataFolder: '/var/lib/kontrol' }],
    ['kontrol-slave', { isMaster: false, isSlaveAlone: true, app: 'web', port: 8001, masters: ['192.0.2.10:8000'] }]
  ])('%s.service with its sample of settings is a configuration', (name, expected) => {
    const env = { ...unitEnvironment(`systemd/${name}.service`), ...environmentFile(`systemd/${name}.default`) }

    expect([...Object.keys(env)].filter((variable) => !known.has(variable))).toEqual([])
    expect(loadConfig(env).config).toMatchObject(expected)
  })
})

describe('docker/compose.yaml', () => {
  const { services, volumes } = parse(read('compose.yaml'), { merge: true }) as {
    services: Record<string, Service>
    volumes: Record<string, unknown>
  }

  it('has a proxy, its etcd and three slaves, which are configurations', () => {
    const configs = Object.entries(services).flatMap(([name, { environment }]) =>
      environment === undefined ? [] : [[name, loadConfig(environment).config] as const]
    )
    const { proxy, ...slaves } = Object.fromEntries(configs)

    expect(proxy?.etcd).toEqual(['http://etcd:2379'])
    expect(Object.keys(slaves)).toEqual(['web-1', 'web-2', 'web-3'])
    for (const [name, config] of Object.entries(slaves)) {
      expect(config).toMatchObject({ id: name, app: 'web', masters: ['proxy'], isSlaveAlone: true })
      expect(config.check).toEqual({ kind: 'http', url: 'http://127.0.0.1:8080/' })
    }
  })

  it('refers to what it has', () => {
    for (const service of Object.values(services)) {
      for (const name of Object.keys(service.depends_on ?? {})) expect(services).toHaveProperty(name)
      for (const volume of service.volumes ?? []) {
        const [source = ''] = volume.split(':')
        if (source.startsWith('./')) expect(read(`${source.slice(2)}/haproxy.cfg.j2`)).toContain('bind *:80')
        else expect(volumes).toHaveProperty(source)
      }
    }
  })
})
