import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { runCommand } from '../../../src/cli/command.ts'
import { lifecycle } from '../../../src/cli/commands/look/lifecycle.ts'
import { tempDir } from '../../support/temp-dir.ts'

const packaged = join(import.meta.dirname, '../../../lifecycle/lifecycle.yml')

const kontrolLifecycle = (...argv: string[]) => withShell(undefined, ...argv)

async function withShell(shell: string | undefined, ...argv: string[]) {
  const stdout: string[] = []
  const stderr: string[] = []
  const code = await runCommand('lifecycle', lifecycle, argv, {
    stdout: (line) => stdout.push(line),
    stderr: (line) => stderr.push(line),
    env: shell === undefined ? {} : { KONTROL_SHELL: shell },
    signal: new AbortController().signal,
    columns: () => undefined
  })
  return { code, stdout: stdout.join('\n'), stderr: stderr.join('\n') }
}

describe('kontrol lifecycle', () => {
  it('finds no problem in the packaged manifest', async () => {
    expect(await kontrolLifecycle('check', packaged)).toEqual({
      code: 0,
      stdout: `${packaged}: 7 states, no problem`,
      stderr: ''
    })
  })

  it('prints the packaged manifest as a diagram', async () => {
    const { code, stdout } = await kontrolLifecycle('graph', packaged)

    expect(code).toBe(0)
    expect(stdout).toMatch(/^stateDiagram-v2\n {2}state "setup" as s1\n/)
  })

  it.each(['check', 'graph'])('lists all problems on %s, with exit code 78', async (deed) => {
    await using dir = await tempDir()
    writeFileSync(dir.file('bad.yml'), 'initial: a\nterminal: z\nstates:\n- tag: a\n  nexr: [b]\n')
    const { code, stdout, stderr } = await kontrolLifecycle(deed, dir.file('bad.yml'))

    expect([code, stdout]).toEqual([78, ''])
    expect(stderr).toContain('line 2: terminal names no state: "z"')
    expect(stderr).toContain('line 5: unknown key "nexr"')
  })

  it('tells of weak spots that the original lets pass', async () => {
    await using dir = await tempDir()
    writeFileSync(dir.file('weak.yml'), 'initial: nowhere\nterminal: z\nstates: [{tag: z}]\n')
    const { code, stderr } = await kontrolLifecycle('check', dir.file('weak.yml'))

    expect(code).toBe(0)
    expect(stderr).toContain('weak.yml: warning: line 1: initial names no state: "nowhere"')
  })

  it('warns of what the shell reads otherwise than the one the manifest was written for', async () => {
    await using dir = await tempDir()
    writeFileSync(
      dir.file('ash.yml'),
      `initial: a
terminal: z
states:
- tag: a
  shell: |
    # echo $NOTES | jq .
    echo $KONTROL_ANNOTATIONS | jq -r .note > note
    [ "$a" == "$b" ] && exit
    echo "one\\ntwo"
    printf '%s' "$KONTROL_ANNOTATIONS" | jq . || [ "$a" = "$b" ]
- tag: z
`
    )
    const places = (stderr: string) => stderr.match(/line \d of the script of "a": \S+/g)

    const dash = await withShell('/bin/dash', 'check', dir.file('ash.yml'))
    expect(dash.code).toBe(0)
    expect(places(dash.stderr)).toEqual([
      'line 2 of the script of "a": echo',
      'line 3 of the script of "a": "=="',
      'line 4 of the script of "a": echo'
    ])
    expect((await withShell('busybox ash', 'check', dir.file('ash.yml'))).stderr).toBe('')
  })

  it('says when the file is not there', async () => {
    const { code, stderr } = await kontrolLifecycle('check', '/nonexistent/lifecycle.yml')

    expect(code).toBe(78)
    expect(stderr).toContain('Cannot read the lifecycle manifest /nonexistent/lifecycle.yml: ENOENT')
  })

  it.each([[[]], [['check']], [['draw', packaged]], [['check', packaged, 'more']]])(
    'explains itself for %j',
    async (argv) => {
      const { code, stderr } = await kontrolLifecycle(...argv)

      expect(code).toBe(64)
      expect(stderr).toContain('kontrol lifecycle check|graph <file>')
    }
  )
})
