import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { runSubprocess } from '../../../src/platform/process/subprocess.ts'
import { selfSigned } from '../../support/certificates.ts'
import { eventually } from '../../support/eventually.ts'
import { createService } from '../../support/service/start-service.ts'
import { tempDir } from '../../support/temp-dir.ts'

const MAIN = join(import.meta.dirname, '../../../dist/main.js')

it('lets the CLI in by the certificate and the token that the control tier itself was given', async () => {
  await using dir = await tempDir()
  const [own, stranger] = [await selfSigned(), await selfSigned()]
  const files = { 'own.crt': own.cert, 'own.key': own.key, 'other.crt': stranger.cert, 'other.key': stranger.key }
  for (const [name, text] of Object.entries(files)) await writeFile(dir.file(name), text)
  await writeFile(dir.file('tokens'), 'secret\nformer\n')
  const env = {
    KONTROL_TLS_CERT: dir.file('own.crt'),
    KONTROL_TLS_KEY: dir.file('own.key'),
    KONTROL_TLS_CLIENT_CA: dir.file('own.crt'),
    KONTROL_TOKEN_FILE: dir.file('tokens'),
    KONTROL_DRY_RUN: 'on'
  }
  await using service = await createService({ template: '# nothing', env })
  const port = { PATH: process.env.PATH, KONTROL_PORT: String(service.port) }
  const kontrol = async (change: NodeJS.ProcessEnv, ...args: string[]) =>
    await runSubprocess(process.execPath, [MAIN, ...args], { env: { ...port, ...env, ...change } })
  service.spawn()
  await eventually(async () => (await kontrol({}, 'pods', '--json')).code === 0, 30_000)

  const local = `https://127.0.0.1:${service.port}`
  const sent = await kontrol({}, 'ping', local, '--app', 'web', '--ip', '127.0.0.11')
  expect(sent).toMatchObject({ code: 0, stderr: '' })
  expect((await kontrol({}, 'pods', '--json')).stdout).toContain('"127.0.0.11"')
  expect((await kontrol({}, 'pods', '--json', '--url', local)).code).toBe(0)
  const moved = await kontrol({}, 'goto', 'render')
  expect(moved).toMatchObject({ code: 0, stderr: '' })

  const withoutToken = await kontrol({ KONTROL_TOKEN_FILE: undefined }, 'goto', 'render')
  expect(withoutToken.code).toBe(1)
  expect(withoutToken.stderr).toContain('KTL_UNAUTHORIZED')
  const elsewhere = { KONTROL_TLS_CERT: dir.file('other.crt'), KONTROL_TLS_KEY: dir.file('other.key') }
  const withAnother = await kontrol(elsewhere, 'pods')
  expect(withAnother.code).not.toBe(0)
  expect(withAnother.stderr).toContain('KTL_MASTER_UNREACHABLE')
  const unreadable = await kontrol({ KONTROL_TOKEN_FILE: dir.file('missing') }, 'pods')
  expect(unreadable.stderr).toContain('KONTROL_TOKEN_FILE must name a readable file')
  expect(unreadable.code).toBe(78)
})
