import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { describe, expect, it } from 'vitest'
import { runCommand } from '../../../src/cli/command.ts'
import { render } from '../../../src/cli/commands/render.ts'
import { tempDir, type TempDir } from '../../support/temp-dir.ts'

const TEMPLATE = `frontend front
  bind 127.0.0.1:8080
  mode http
  default_backend web
backend web
  mode http
{%- for ip in hosts.web %}
  server web-{{ loop.index }} {{ ip }}:80
{%- endfor %}
`

async function kontrolRender(dir: TempDir, argv: string[], env: NodeJS.ProcessEnv = {}) {
  const stdout: string[] = []
  const stderr: string[] = []
  const code = await runCommand('render', render, argv, {
    stdout: (line) => stdout.push(line),
    stderr: (line) => stderr.push(line),
    env: { KONTROL_DATA: dir.path, ...env },
    signal: new AbortController().signal
  })
  return { code, stdout: stdout.join('\n'), stderr: stderr.join('\n') }
}

function put(dir: TempDir, name: string, text: string): string {
  const path = dir.file(name)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text)
  return path
}

describe('kontrol render', () => {
  it('prints the configuration for the hosts of a file', async () => {
    await using dir = await tempDir()
    const template = put(dir, 't.j2', TEMPLATE)
    const hosts = put(dir, 'hosts.json', '{"web": ["10.0.0.1", "10.0.0.2"]}')
    const { code, stdout } = await kontrolRender(dir, ['--template', template, '--hosts', hosts])

    expect(code).toBe(0)
    expect(stdout).toMatch(/\n {2}mode http\n {2}server web-1 10\.0\.0\.1:80\n {2}server web-2 10\.0\.0\.2:80$/)
  })

  it('takes what "kontrol hosts --json" prints, and the template of KONTROL_CONFIG_FILE', async () => {
    await using dir = await tempDir()
    const hosts = put(dir, 'hosts.json', '{"digest":"aa","hosts":{"web":["10.0.0.7"]}}')
    const { stdout } = await kontrolRender(dir, ['--hosts', hosts], {
      KONTROL_CONFIG_FILE: put(dir, 't.j2', '{{ hosts.web }}')
    })

    expect(stdout).toBe("['10.0.0.7']")
  })

  it('shows what would change in the configuration that runs', async () => {
    await using dir = await tempDir()
    const template = put(dir, 't.j2', TEMPLATE)
    const hosts = put(dir, 'hosts.json', '{"web": ["10.0.0.2"]}')
    put(dir, 'haproxy/haproxy.cfg', TEMPLATE.replace(/\{%-[^]*$/, '').trimEnd() + '\n  server web-1 10.0.0.1:80\n')
    const { stdout } = await kontrolRender(dir, ['--template', template, '--hosts', hosts, '--diff'])

    expect(stdout).toBe('-  server web-1 10.0.0.1:80\n+  server web-1 10.0.0.2:80')
  })

  it.each([
    [
      'a template that fails',
      ['--template', 'T'],
      '{{ hosts.nope.x }}',
      1,
      /^KTL_TEMPLATE_INVALID: Template, line 1, column 14: /
    ],
    ['no template at all', [], '', 64, /render needs a template/],
    ['a file that is not there', ['--template', '/nonexistent/t.j2'], '', 64, /\/nonexistent\/t\.j2 cannot be read/],
    ['hosts that are none', ['--template', 'T', '--hosts', 'T'], '[1]', 1, /^KTL_REQUEST_INVALID: Invalid hosts/]
  ])('fails with %s', async (_name, argv, text, exitCode, message) => {
    await using dir = await tempDir()
    const template = put(dir, 't.j2', text)
    const { code, stderr } = await kontrolRender(
      dir,
      argv.map((arg) => (arg === 'T' ? template : arg))
    )

    expect(code).toBe(exitCode)
    expect(stderr).toMatch(message)
  })
})
