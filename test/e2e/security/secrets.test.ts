import { readFile, writeFile } from 'node:fs/promises'
import { request } from 'undici'
import { describe, expect, it } from 'vitest'
import { eventually } from '../../support/eventually.ts'
import { ownAddress } from '../../support/haproxy/start-haproxy.ts'
import { startService } from '../../support/service/start-service.ts'
import { tempDir } from '../../support/temp-dir.ts'

const SECRETS = {
  KONTROL_TOKEN: 'operators-secret-1',
  KONTROL_READ_TOKEN: 'readers-secret-1',
  KONTROL_PING_TOKEN: 'pods-secret-1',
  AWS_ACCESS_KEY_ID: 'AKIAOFTHEPROXY',
  AWS_SECRET_ACCESS_KEY: 'aws-secret-1',
  AWS_SESSION_TOKEN: 'aws-session-1'
}
const PASSWORDS = ['stats-password', 'list-password', 'of-a-backend', String.raw`haproxy\.main\(\)`]
const HIDDEN = new RegExp([...Object.values(SECRETS), ...PASSWORDS].join('|'))

/** With pods in it, so that the process that renders has it. */
const template = (address: string, more = ''): string => `# {{ pods | length }} apps
userlist people
  user ann insecure-password list-password
frontend front
  mode http
  timeout client 5s
  bind ${address}:8080
  stats auth admin:stats-password
  http-request set-header Authorization "Bearer of-a-backend"
  ${more}
  http-request return status 200 content-type text/plain lf-string %[env(KONTROL_TOKEN)]%[env(AWS_SECRET_ACCESS_KEY)]%[env(AWS_SESSION_TOKEN)]|%[env(OWN_VARIABLE)]|{{ env.KONTROL_READ_TOKEN }}{{ env.KONTROL_PING_TOKEN }}
`

async function childThatRuns(parent: number, program: string): Promise<string | undefined> {
  const children = (await readFile(`/proc/${parent}/task/${parent}/children`, 'utf8')).trim().split(' ')
  for (const child of children) {
    if ((await readFile(`/proc/${child}/cmdline`, 'utf8').catch(() => '')).includes(program)) return child
  }
  return undefined
}

/** All that is told to one who listens from the beginning. */
async function eventsSince(url: string, headers: Record<string, string>): Promise<string> {
  const { body } = await request(`${url}/api/v1/events`, { headers: { ...headers, 'last-event-id': '0' } })
  let told = ''
  body.on('data', (chunk) => (told += String(chunk))).on('error', () => {})
  await eventually(() => told.includes('KTL_HAPROXY_RELOAD_FAILED') || told.includes('reconfigured'))
  body.destroy()
  return told
}

describe('secrets (cases 13 and 17)', () => {
  it('are in no configuration, history, error, event, log or environment that others see', async () => {
    await using dir = await tempDir()
    const address = ownAddress()
    const file = dir.file('template.j2')
    await writeFile(file, template(address))
    await using service = await startService({
      env: {
        ...SECRETS,
        OWN_VARIABLE: 'own-value',
        KONTROL_CONFIG_FILE: file,
        KONTROL_CALLBACK: 'env > "$ENV_FILE"; echo "{}"',
        KONTROL_SHELL_CALLBACK: 'TRUE',
        ENV_FILE: dir.file('env'),
        KONTROL_LOG_LEVEL: 'debug'
      }
    })
    const bearer = { authorization: `Bearer ${SECRETS.KONTROL_TOKEN}` }
    const get = async (path: string): Promise<string> => (await service.send('GET', path, undefined, bearer)).body
    await service.ready()

    expect(await (await fetch(`http://${address}:8080/`)).text()).toBe('|own-value|')
    const running = await get('/api/v1/config')
    expect(running).toContain('stats auth admin:***')
    expect(running).toContain('user ann insecure-password ***')
    expect(running).toContain('set-header Authorization ***')

    const pod = { app: 'web', id: 'w', ip: '10.0.0.1', key: 'w', role: 'r' }
    await service.send('PUT', '/ping', JSON.stringify(pod), bearer)
    const inherited = await eventually(async () => {
      const text = await readFile(dir.file('env'), 'utf8')
      return text.includes('OWN_VARIABLE') ? text : undefined
    })
    expect(inherited).toMatch(/^OWN_VARIABLE=own-value$/m)
    expect(inherited).toMatch(/^KONTROL_MODE=master$/m)

    const { pid, workerPid } = JSON.parse(await get('/api/v1/haproxy')) as Record<'pid' | 'workerPid', number>
    for (const one of [pid, workerPid]) {
      const environment = await readFile(`/proc/${one}/environ`, 'utf8')
      expect(environment).toContain('OWN_VARIABLE=own-value')
      expect(environment).not.toMatch(HIDDEN)
    }
    const renderer = await eventually(async () => await childThatRuns(service.pid ?? 0, 'template-program'))
    expect(await readFile(`/proc/${renderer}/environ`, 'utf8')).not.toMatch(/KONTROL|OWN_VARIABLE|AWS/)

    // HAProxy quotes a word that it does not know, and a fault of the template its line.
    const failures: string[] = []
    const refused = [
      'stats-password list-password',
      'stats auth admin:stats-password {{ nope.x }}',
      // It passes the check; what loads it ends, and says so with that secret.
      `\nuserlist others\n  user bob insecure-password haproxy.main()\nglobal\n  maxconn 2000000
frontend other\n  mode http\n  timeout client 5s`
    ]
    for (const more of refused) {
      await writeFile(file, template(address, more))
      failures.push(
        await eventually(async () => {
          const { reconfigurations } = JSON.parse(await get('/api/v1/reconfigurations')) as {
            reconfigurations: { outcome: string; error: { message: string } | null }[]
          }
          const last = reconfigurations.at(-1)
          const message = last?.error?.message
          return last?.outcome === 'failed' && message !== failures.at(-1) ? message : undefined
        }, 30_000)
      )
    }
    expect(failures[0]).toMatch(/unknown keyword '\*\*\*'/)
    expect(failures[1]).toMatch(/'nope' is undefined[^]*stats auth admin:\*\*\*/)
    expect(failures[2]).toMatch(/\[\*\*\*\] Cannot raise FD limit/)
    await eventually(() => /\[\*\*\*\] Cannot raise FD limit[^\n]*haproxy alert/.test(service.output))

    const shown = [
      running,
      inherited,
      await get('/api/v1/config?candidate'),
      await get('/api/v1/reconfigurations'),
      await get('/api/v1/lifecycle'),
      await get('/readyz'),
      await get('/metrics'),
      await get('/state'),
      await get('/api/v1/haproxy'),
      await get('/'),
      await eventsSince(service.url, bearer),
      service.output
    ]
    for (const text of shown) expect(text).not.toMatch(HIDDEN)
  })
})
