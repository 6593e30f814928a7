import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { eventually } from '../../support/eventually.ts'
import { freePort } from '../../support/free-port.ts'
import { startHttpBackend } from '../../support/haproxy/http-backend.ts'
import { kontrol, shell } from '../../support/service/kontrol-cli.ts'
import { startService } from '../../support/service/start-service.ts'

const MAIN = join(import.meta.dirname, '../../../dist/main.js')
const TEMPLATE = '{% for app in hosts %}# {{ app }}\n{% endfor %}'

const startMaster = async () =>
  await startService({ template: TEMPLATE, env: { KONTROL_DRY_RUN: 'on', KONTROL_TTL: '600' } })

describe('the command line', () => {
  it('takes the address of a control tier as people write it', async () => {
    await using service = await startMaster()
    await service.ping('127.0.0.2')

    for (const url of [`127.0.0.1:${service.port}`, `localhost:${service.port}`, `${service.url}/`, service.url]) {
      expect(await kontrol(['pods', '--url', url])).toMatchObject({
        ...{ code: 0, stderr: '' },
        stdout: expect.stringContaining('127.0.0.2') as string
      })
    }
    const port = { KONTROL_PORT: String(service.port) }
    expect(await kontrol(['pods', '--url', '127.0.0.1'], port)).toMatchObject({ code: 0 })
    expect(await kontrol(['pods', '--url', 'ftp://x y'])).toMatchObject({
      code: 64,
      stderr: expect.stringContaining('"ftp://x y" is no address of a control tier') as string
    })
  })

  it('shows the pods of the app that is named, and refuses what it would ignore', async () => {
    await using service = await startMaster()
    await service.ping('127.0.0.2')
    await service.ping('127.0.0.3', { app: 'api' })

    const shown = await kontrol(['pods', 'api', '--url', service.url])
    expect(shown.stdout).toContain('127.0.0.3')
    expect(shown.stdout).not.toContain('127.0.0.2')
    expect(await kontrol(['hosts', 'api', '--url', service.url])).toMatchObject({
      code: 64,
      stderr: expect.stringContaining('Unexpected argument "api"') as string
    })
  })

  it('says whose error it is once', async () => {
    await using service = await startMaster()

    const { code, stderr } = await kontrol(['goto', 'nowhere', '--url', service.url])

    expect(code).toBe(1)
    expect(stderr).toMatch(/^KTL_TRANSITION_REFUSED: "nowhere" cannot be asked for/)
  })

  it.each([
    ['a page', 200, 'text/html', '<html>hello</html>'],
    ['an error page', 502, 'text/html', '<h1>Bad\nGateway</h1>'],
    ['another JSON', 404, 'application/json', '{"error":"not found"}']
  ])('says that there is no control tier where it is told %s', async (_name, status, type, body) => {
    await using server = createServer((_request, response) =>
      response.writeHead(status, { 'content-type': type }).end(body)
    )
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

    const { code, stdout, stderr } = await kontrol(['state', '--url', url])

    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toMatch(new RegExp(`^KTL_REQUEST_REFUSED: ${url} `))
    expect(stderr).toContain('Hint: Check --url')
  })

  it('takes what the shell gives in place of a file', async () => {
    const manifest = join(import.meta.dirname, '../../../lifecycle/lifecycle.yml')

    expect(await shell(`kontrol lifecycle check <(cat '${manifest}')`)).toMatchObject({
      ...{ code: 0, stderr: '' },
      stdout: expect.stringContaining('states, no problem') as string
    })
    expect(await shell("kontrol render --template <(echo 'defaults') --hosts <(echo '{}')")).toMatchObject({
      ...{ code: 0, stdout: 'defaults\n' }
    })
  })

  it('ends quietly when who reads it has seen enough', async () => {
    await using service = await startMaster()
    await service.ping('127.0.0.2')

    const { code, stdout, stderr } = await shell(`kontrol pods --watch --url ${service.url} | head -n 3`)

    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout.split('\n').filter((line) => line.startsWith('SEQ'))).toHaveLength(2)
  })

  it('fails when what it prints cannot be written', async () => {
    const { code, stderr } = await shell('kontrol help > /dev/full')

    expect(code).toBe(1)
    expect(stderr).toMatch(/^The output cannot be written: ENOSPC/)
  })

  it('shows every variable of a bad environment, with what is wrong, and exits with 78', async () => {
    const { code, stdout, stderr } = await kontrol(['config'], { KONTROL_PORT: 'eighty', KONTROL_TTL: '9' })

    expect(code).toBe(78)
    const rows = stdout.split('\n')
    expect(rows.find((row) => row.includes('KONTROL_PORT'))).toMatch(
      /^! +KONTROL_PORT +"eighty" +environment +KONTROL_PORT must be a whole number from 1 to 65535/
    )
    expect(rows.find((row) => row.includes('KONTROL_TTL'))).toMatch(/^ +KONTROL_TTL +9 +environment/)
    expect(stderr).toContain('KONTROL_LABELS must hold app')
    expect(stderr).not.toContain('kontrol config')
  })

  it('tells on one screen whether all is well, and by its exit code', async () => {
    const port = await freePort()
    await using backend = await startHttpBackend('pod')
    await using service = await startService({
      template: `frontend proxy
  bind 127.0.0.1:${port}
  mode http
  default_backend web
backend web
  mode http
{% for ip in hosts['web'] %}
  server s{{ loop.index }} {{ ip }}:${backend.port}
{% endfor %}
`
    })
    await service.ready()
    await service.ping('127.0.0.1')
    await eventually(async () => (await kontrol(['servers', '--url', service.url])).stdout.includes('127.0.0.1'))

    const well = await kontrol(['status', '--url', service.url])
    expect(well).toMatchObject({ code: 0, stderr: '' })
    expect(well.stdout).toMatch(
      /^ready\ncontrol tier {2}.*\nhaproxy {7}\d\S*, up \d+ s, \d+ reloads?, 0 old workers\nservers {7}1, 0 down\n/
    )
    expect(well.stdout).toMatch(/^pods {10}1, of 1 app$/m)
    expect(well.stdout).toMatch(/^last change {3}\S+Z \(\d+ s ago\), applied: pod-up web 127\.0\.0\.1/m)
    expect((await kontrol(['servers', '--url', service.url])).stdout).toMatch(
      new RegExp(
        `^BACKEND +SERVER +ADDRESS +STATUS +SINCE +SESSIONS +TOTAL\nweb +s1 +127\\.0\\.0\\.1:${backend.port} +no check +\\d+ s +0 +\\d+\n$`
      )
    )

    expect(await kontrol(['forget', '127.0.0.9', '--url', service.url])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('KTL_POD_NOT_FOUND') as string
    })
    const { pods } = JSON.parse((await service.get('/api/v1/pods')).body) as { pods: { key: string }[] }
    expect(await kontrol(['forget', pods[0]?.key ?? '', '--url', service.url])).toMatchObject({ code: 0 })
    expect(JSON.parse((await service.get('/api/v1/pods')).body)).toEqual({ pods: [] })
  })

  it('tells what is wrong on that screen', async () => {
    await using service = await startService({ template: 'frontend f\n  no such keyword\n' })
    await eventually(async () => (await service.get('/readyz')).body.includes('KTL_HAPROXY_CONFIG_REJECTED'))

    const { code, stdout } = await kontrol(['status', '--url', service.url])

    expect(code).toBe(1)
    expect(stdout).toMatch(/^not ready\n {2}KTL_HAPROXY_CONFIG_REJECTED: /)
  })

  it('follows what happens', async () => {
    await using service = await startMaster()
    const follower = spawn(process.execPath, [MAIN, 'events', '--json', '--url', service.url])
    let seen = ''
    follower.stdout.on('data', (chunk) => (seen += String(chunk)))

    // The first may be sent before it listens.
    let last = 1
    await eventually(async () => {
      await service.ping(`127.0.0.${++last % 250}`)
      return /"type":"pod-up".*\n/.test(seen)
    })
    // The life cycle, and the reconfiguration, that an unseen first one set off may be told before it.
    const events = seen.split('\n').slice(0, -1)
    const told = events.map((line) => JSON.parse(line) as { type: string })
    expect(told.find(({ type }) => type === 'pod-up')).toMatchObject({ data: { pod: { app: 'web' } } })

    follower.kill('SIGINT')
    expect((await once(follower, 'exit'))[0]).toBe(0)
  })

  it('tells its version', async () => {
    const { version } = JSON.parse(await readFile(join(import.meta.dirname, '../../../package.json'), 'utf8')) as {
      version: string
    }

    expect(await kontrol(['--version'])).toMatchObject({ code: 0, stdout: `${version}\n`, stderr: '' })
  })
})
