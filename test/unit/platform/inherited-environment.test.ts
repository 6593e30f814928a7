import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { envTable } from '../../../src/environment.ts'
import { inheritedEnvironment, secretValues } from '../../../src/platform/process/inherited-environment.ts'
import { runSubprocess } from '../../../src/platform/process/subprocess.ts'

const ENV = {
  PATH: process.env.PATH,
  HOME: '/root',
  KONTROL_ID: 'a',
  KONTROL_TOKEN: 'operators-1,operators-2',
  KONTROL_PING_TOKEN: 'web=pods-secret',
  KONTROL_READ_TOKEN: 'readers-secret',
  KONTROL_TOKEN_FILE: '/run/secrets/token',
  AWS_REGION: 'eu-west-1',
  AWS_ACCESS_KEY_ID: 'AKIAEXAMPLE',
  AWS_SECRET_ACCESS_KEY: 'aws-secret',
  AWS_SESSION_TOKEN: 'aws-session',
  DB_PASSWORD: 'of-the-user',
  SHORT_TOKEN: 'abc'
}

describe('inheritedEnvironment', () => {
  it('holds no secret of ours, and all that is the user’s', () => {
    expect(Object.keys(inheritedEnvironment(ENV))).toEqual([
      ...['PATH', 'HOME', 'KONTROL_ID', 'KONTROL_TOKEN_FILE', 'AWS_REGION', 'DB_PASSWORD', 'SHORT_TOKEN']
    ])
  })

  it('is what every program gets that is run to its end', async () => {
    const { stdout } = await runSubprocess('env', [], { env: ENV })

    expect(stdout).toContain('KONTROL_ID=a')
    expect(stdout).not.toMatch(/operators|pods-secret|readers|aws-s|AKIA/)
  })
})

describe('what supervisord starts beside us', () => {
  const folder = new URL('../../../docker/supervisor/', import.meta.url)

  it.each(['haproxy.conf', 'telegraf.conf'])('by %s is without the same secrets', (file) => {
    const [, list = ''] = /^environment=(.*)$/m.exec(readFileSync(new URL(file, folder), 'utf8')) ?? []
    const names = [...list.matchAll(/(\w+)=""(?:,|$)/g)].map(([, name = '']) => name)
    const ours = Object.values<{ name: string; secret?: true }>(envTable).filter(({ secret }) => secret === true)

    expect(ours.map(({ name }) => name).filter((name) => !names.includes(name))).toEqual([])
    expect(Object.keys(ENV).filter((name) => !(name in inheritedEnvironment(ENV)) && !names.includes(name))).toEqual([])
    expect(inheritedEnvironment(Object.fromEntries(names.map((name) => [name, 'x'])))).toEqual({})
    expect(list.split(',')).toHaveLength(names.length)
  })
})

describe('secretValues', () => {
  it('are those that could be shown by accident', () => {
    const values = secretValues(ENV)

    expect(values).toEqual(expect.arrayContaining(['operators-2', 'aws-secret', 'of-the-user', 'AKIAEXAMPLE']))
    expect(values).not.toEqual(expect.arrayContaining(['abc']))
    expect(values).not.toEqual(expect.arrayContaining(['/run/secrets/token']))
  })
})
