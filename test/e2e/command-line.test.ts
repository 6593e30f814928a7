import { createServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { describe, expect, it } from 'vitest'
import { kontrol, shell } from '../support/kontrol-cli.ts'
import { startService } from '../support/start-service.ts'

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
})
