import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { describe, expect, it } from 'vitest'
import { runCommand } from '../../../src/cli/command.ts'
import { render } from '../../../src/cli/commands/render.ts'
import { asLoaded } from '../../../src/haproxy/files/as-loaded.ts'
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
    signal: new AbortController().signal,
    columns: () => undefined
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

  it('offers pods, labels and the environment of files and options', async () => {
    await using dir = await tempDir()
    const template = put(
      dir,
      't.j2',
      '{% for pod in pods.web %}{{ pod.id }} {{ pod.payload.n }} {{ pod.payload.w is none }} {{ pod.seq }};{% endfor %} {{ hosts }} {{ labels.app }} {{ env }}'
    )
    const pods = put(
      dir,
      'pods.json',
      `{"pods":[
        {"app":"web","id":"b","ip":"10.0.0.2","key":"k2","role":"","seq":7,"nonce":null,"payload":{"n":1.0,"w":null},"firstSeen":"2026-11-22T10:00:00.000Z","held":false},
        {"app":"web","id":"a","ip":"10.0.0.1","key":"k1","role":"r","seq":3,"payload":{"n":12345678901234567890}}]}`
    )
    const { code, stdout } = await kontrolRender(dir, [
      ...['--template', template, '--pods', pods],
      ...['--labels', '{"app": "edge"}', '--env', '{"KONTROL_X": "1"}']
    ])

    expect(code).toBe(0)
    expect(stdout).toBe(
      "a 12345678901234567890 False 3;b 1.0 True 7; {'web': ['10.0.0.1', '10.0.0.2']} edge {'KONTROL_X': '1'}"
    )
  })

  it('leaves out and names a pod whose text would change the configuration, as the service does', async () => {
    await using dir = await tempDir()
    const template = put(dir, 't.j2', '{{ hosts }}{% for p in pods.web %} {{ p.key }}:{{ p.payload.port }}{% endfor %}')
    const pods = put(
      dir,
      'pods.json',
      JSON.stringify([
        { app: 'web', id: 'a', ip: '10.0.0.1', key: 'k1', role: 'r', payload: { port: 80 } },
        { app: 'web', id: 'b', ip: '10.0.0.2', key: 'k2', role: 'r', payload: { port: '80\nlisten leak' } }
      ])
    )
    const { code, stdout, stderr } = await kontrolRender(dir, ['--template', template, '--pods', pods])

    expect(code).toBe(0)
    expect(stdout).toBe("{'web': ['10.0.0.1']} k1:80")
    expect(stderr).toMatch(/^warning: Pod k2 of web at 10\.0\.0\.2 is left out: payload\.port would change/)
  })

  it.each([
    [['--labels', '[1]'], /--labels must be a JSON object of texts/],
    [['--env', '{'], /--env must be a JSON object of texts/],
    [['--from', 'http://127.0.0.1:1', '--hosts', 'x'], /--from brings hosts and pods/]
  ])('says what is wrong with %j', async (options, expected) => {
    await using dir = await tempDir()
    const { code, stderr } = await kontrolRender(dir, ['--template', put(dir, 't.j2', 'x'), ...options])

    expect(code).toBe(64)
    expect(stderr).toMatch(expected)
  })

  it('names the pod that is none', async () => {
    await using dir = await tempDir()
    const pods = put(dir, 'pods.json', '[{"app":"web"}]')
    const { code, stderr } = await kontrolRender(dir, ['--template', put(dir, 't.j2', 'x'), '--pods', pods])

    expect(code).not.toBe(0)
    expect(stderr).toMatch(/number 1 of the list: Invalid keepalive/)
  })

  it('refuses a configuration that is too large to be applied, as the service does', async () => {
    await using dir = await tempDir()
    const template = put(dir, 't.j2', `${TEMPLATE}  # {{ 'x' * 17000 }}\n`)
    const { code, stdout, stderr } = await kontrolRender(dir, ['--template', template])

    expect(code).not.toBe(0)
    expect(stderr).toMatch(/KTL_TEMPLATE_LIMIT[^]*more than 16 KiB in its line 7/)
    expect(stdout).toBe('')
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

  it('shows no change where HAProxy is given an operator\'s "defaults" in other words', async () => {
    await using dir = await tempDir()
    const text = 'global\n  zero-warning\ndefaults\n  mode http\nfrontend f\n  bind 127.0.0.1:8080\n'
    put(dir, 'haproxy/haproxy.cfg', asLoaded(text))
    const { code, stdout } = await kontrolRender(dir, ['--template', put(dir, 't.j2', text), '--diff'])

    expect(asLoaded(text)).not.toBe(text)
    expect([code, stdout]).toEqual([0, ''])
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
