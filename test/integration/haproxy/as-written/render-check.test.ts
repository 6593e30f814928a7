import { writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { runCommand } from '../../../../src/cli/command.ts'
import { render } from '../../../../src/cli/commands/render.ts'
import { readSample } from '../../../support/haproxy/sample-template.ts'
import { tempDir } from '../../../support/temp-dir.ts'

async function renderAndCheck(template: string) {
  await using dir = await tempDir()
  writeFileSync(dir.file('t.j2'), template)
  writeFileSync(dir.file('hosts.json'), '{"web": ["10.0.0.1"], "10": ["fd00::1"]}')
  const stdout: string[] = []
  const stderr: string[] = []
  const argv = ['--template', dir.file('t.j2'), '--hosts', dir.file('hosts.json'), '--check']
  const code = await runCommand('render', render, argv, {
    stdout: (line) => stdout.push(line),
    stderr: (line) => stderr.push(line),
    env: { KONTROL_DATA: dir.path },
    signal: new AbortController().signal,
    columns: () => undefined
  })
  return { code, stdout: stdout.join('\n'), stderr: stderr.join('\n') }
}

describe('kontrol render --check with a real HAProxy', () => {
  it.each(['http.cfg.j2', 'zookeeper.cfg.j2'] as const)('accepts the sample %s', async (name) => {
    const { code, stdout } = await renderAndCheck(readSample(name))

    expect(code).toBe(0)
    expect(stdout).toContain('server web-1 10.0.0.1:')
  })

  it('prints what HAProxy says of a configuration that it refuses', async () => {
    const { code, stdout, stderr } = await renderAndCheck('frontend f\n  bin *:{{ 80 }}\n')

    expect([code, stdout]).toEqual([1, ''])
    expect(stderr).toMatch(/^KTL_HAPROXY_CONFIG_REJECTED: .*unknown keyword 'bin'/)
  })

  it('refuses what would end a running HAProxy', async () => {
    const { code, stderr } = await renderAndCheck('global\n  chroot /var/empty\n')

    expect(code).toBe(1)
    expect(stderr).toContain('"chroot" in global is set by kontrol-haproxy itself')
  })
})
