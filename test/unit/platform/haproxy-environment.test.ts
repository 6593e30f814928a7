import { writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { haproxyEnvironment, variableNames } from '../../../src/platform/process/haproxy-environment.ts'
import { runSubprocess } from '../../../src/platform/process/subprocess.ts'
import { tempDir } from '../../support/temp-dir.ts'

const HAPROXY_SH = fileURLToPath(new URL('../../../docker/supervisor/haproxy.sh', import.meta.url))

/** By whom it is needed; the values are of no account, save for one that looks like a list of variables. */
const GROUPS = {
  haproxy: ['HOME', 'LC_ALL', 'TZ', 'SSL_CERT_DIR', 'HAPROXY_LOCALPEER'],
  operator: ['MY_BACKEND_PORT', 'STATS_PASSWORD', 'KONTROL_ID', 'KONTROL_TLS_CERT', 'AWS_REGION', 'NODENAME'],
  controlTier: [
    ...['NODE_OPTIONS', 'npm_config_cache', 'SUPERVISOR_SERVER_URL', 'KONTROL_ETCD', 'KONTROL_ETCD_PASSWORD_FILE'],
    ...['KONTROL_TOKEN_FILE', 'KONTROL_PING_TOKEN_FILE', 'AWS_PROFILE', 'AWS_WEB_IDENTITY_TOKEN_FILE', 'AWS_ROLE_ARN']
  ]
}
const { PATH } = process.env
const ENV: NodeJS.ProcessEnv = {
  ...Object.fromEntries(Object.values(GROUPS).flatMap((names) => names.map((name) => [name, 'x']))),
  PATH,
  NODE_OPTIONS: '--no-warnings',
  STATS_PASSWORD: 'a\nMY_BACKEND_PORT=1\nPATH='
}
const SECRETS = { KONTROL_TOKEN: 'a', KONTROL_PING_TOKEN: 'b', AWS_SECRET_ACCESS_KEY: 'c' }

const cases = {
  'all that an operator may have set': { list: undefined, names: [...GROUPS.haproxy, ...GROUPS.operator] },
  'the same where the list is blank': { list: ' , ', names: [...GROUPS.haproxy, ...GROUPS.operator] },
  'what a list names, and what every program needs': {
    list: 'STATS_PASSWORD, NODE_OPTIONS',
    names: [...GROUPS.haproxy, 'STATS_PASSWORD', 'NODE_OPTIONS']
  },
  'no part of a name': { list: 'STATS,PASSWORD,STATS_PASSWORD_', names: GROUPS.haproxy }
}

describe.each(Object.entries(cases))('HAProxy is given %s', (_, { list, names }) => {
  const env: NodeJS.ProcessEnv = { ...ENV, ...(list !== undefined && { KONTROL_HAPROXY_ENV: list }) }
  // The list itself is an operator's variable as well.
  const expected = ['PATH', ...names, ...(list === ' , ' ? ['KONTROL_HAPROXY_ENV'] : [])].sort()

  it('by the control tier', () => {
    expect(Object.keys(haproxyEnvironment({ ...env, ...SECRETS })).sort()).toEqual(expected)
  })

  it('by the program of supervisord', async () => {
    await using dir = await tempDir()
    const binary = dir.file('haproxy')
    // No shell, which would add variables of its own.
    await writeFile(binary, `#!${process.execPath}\nconsole.log(JSON.stringify(process.env))\n`, { mode: 0o755 })
    const { stdout, stderr } = await runSubprocess('/bin/sh', [HAPROXY_SH, binary, dir.path], { env })
    const given = Object.entries(JSON.parse(stdout) as Record<string, string>).filter(
      ([name]) => !['PWD', 'OLDPWD', 'SHLVL', '_'].includes(name)
    )

    expect(stderr).toBe('')
    expect(given.map(([name]) => name).sort()).toEqual(expected)
    for (const [name, value] of given) expect(value).toBe(env[name])
  })
})

it.each(['', 'STATS_PASSWORD'])(
  'a value that is no UTF-8 stands in the way of nothing, the list being "%s"',
  async (list) => {
    await using dir = await tempDir()
    const binary = dir.file('haproxy')
    await writeFile(binary, `#!${process.execPath}\nconsole.log(Object.keys(process.env).join(' '))\n`, { mode: 0o755 })
    // No argument of Node's can hold such bytes.
    const start = `odd=$(printf '\\377 * a=b'); AWS_PROFILE=$odd STATS_PASSWORD=$odd exec /bin/sh "$@"`
    const env = { PATH, LANG: 'C.UTF-8', KONTROL_HAPROXY_ENV: list }
    const { stdout, stderr } = await runSubprocess('/bin/sh', ['-c', start, 'sh', HAPROXY_SH, binary, dir.path], {
      env
    })

    expect(stderr).toBe('')
    expect(stdout).toContain('STATS_PASSWORD')
    expect(stdout).not.toContain('AWS_PROFILE')
  }
)

describe('KONTROL_HAPROXY_ENV', () => {
  it('lists names of variables, and none of a secret of ours', () => {
    expect(variableNames('A, b_1,')).toEqual(['A', 'b_1'])
    expect(() => variableNames('A,B=1')).toThrow('must be a comma list of names of variables (look at "B=1")')
    expect(() => variableNames('A,KONTROL_TOKEN')).toThrow('must not name KONTROL_TOKEN: HAProxy is never given it')
    expect(() => variableNames('AWS_SESSION_TOKEN')).toThrow('must not name AWS_SESSION_TOKEN')
  })
})
