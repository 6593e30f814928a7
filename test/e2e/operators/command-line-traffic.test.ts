import { writeFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { runSubprocess } from '../../../src/platform/process/subprocess.ts'
import { eventually } from '../../support/eventually.ts'
import { freePort } from '../../support/free-port.ts'
import { startHttpBackend, type HttpBackend } from '../../support/haproxy/http-backend.ts'
import { kontrol, shell } from '../../support/service/kontrol-cli.ts'
import { startService } from '../../support/service/start-service.ts'
import { tempDir } from '../../support/temp-dir.ts'

const proxy = (port: number, backend: HttpBackend, extra = ''): string => `frontend proxy
  bind 127.0.0.1:${port}
  mode http
  default_backend web
backend web
  mode http${extra}
{% for ip in hosts['web'] %}
  server s{{ loop.index }} {{ ip }}:${backend.port} check
{% endfor %}
`

interface Round {
  id: number
  plan: string
  outcome: string
}

describe('the command line, of what goes through HAProxy', () => {
  it('shows traffic, a change as a whole, and how what is wanted differs from what runs', async () => {
    await using dir = await tempDir()
    await using backend = await startHttpBackend('pod')
    const [port, file] = [await freePort(), dir.file('template')]
    await writeFile(file, proxy(port, backend))
    await using service = await startService({ env: { KONTROL_CONFIG_FILE: file, KONTROL_TTL: '600' } })
    const at = ['--url', service.url]
    const rounds = async () =>
      (JSON.parse((await kontrol(['history', '--json', ...at])).stdout) as { reconfigurations: Round[] })
        .reconfigurations
    await service.ready()
    await service.ping('127.0.0.1')
    await eventually(async () => (await kontrol(['servers', ...at])).stdout.includes(' UP '))
    for (let n = 0; n < 20; n++) await (await fetch(`http://127.0.0.1:${port}/`)).text()

    // HAProxy is asked each 5 s for what goes through it.
    await eventually(async () => /^backend +web/m.test((await kontrol(['top', ...at])).stdout), 30_000)
    const { stdout } = await kontrol(['top', ...at])
    expect(stdout).toMatch(/^SIDE +NAME +REQ\/S +SESSIONS +QUEUE +4XX\/S +5XX\/S +AVG MS +USABLE\n/)
    expect(stdout).toMatch(/^backend +web( +(?:\d+(?:\.\d)?|-)){6} +1$/m)
    expect(stdout).toMatch(new RegExp(`^web +s1 +127\\.0\\.0\\.1:${backend.port} +UP`, 'm'))

    const joined = (await rounds()).findLast(({ plan }) => plan === 'runtime')
    const told = await kontrol(['history', String(joined?.id), ...at])
    expect(told).toMatchObject({ code: 0, stderr: '' })
    expect(told.stdout).toMatch(/^cause {4}pod-up web 127\.0\.0\.1 \(new\)$/m)
    expect(told.stdout).toMatch(/^plan {5}runtime, 1 operation$/m)
    expect(told.stdout).toMatch(/\n\n[^]*^\+ +server s1 127\.0\.0\.1:/m)
    expect(await kontrol(['history', '999', ...at])).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^KTL_NOT_FOUND: There is no reconfiguration 999\n/) as string
    })
    expect(await kontrol(['history', 'last', ...at])).toMatchObject({ code: 64 })

    expect(await kontrol(['diff', ...at])).toMatchObject({ code: 0, stdout: '', stderr: '' })
    await writeFile(file, proxy(port, backend, '\n  no such keyword'))
    await eventually(async () => (await kontrol(['diff', ...at])).code === 1)
    expect((await kontrol(['diff', ...at])).stdout).toBe('--- running\n+++ wanted\n+  no such keyword\n')
    const failed = (await rounds()).findLast(({ outcome }) => outcome === 'failed')
    const { stdout: why } = await kontrol(['history', String(failed?.id), ...at])
    expect(why).toMatch(/^error {4}KTL_HAPROXY_CONFIG_REJECTED: /m)

    await service.kill('SIGKILL')
    await service.start()
    const known = await rounds()
    expect(known.find(({ id }) => id === joined?.id)).toEqual(joined)
    expect(new Set(known.map(({ id }) => id)).size).toBe(known.length)

    const running = await kontrol(['diff', '/dev/null', ...at])
    expect(running.code).toBe(1)
    expect(running.stdout).toContain('-frontend proxy\n')
    expect(await kontrol(['diff', '/nowhere', ...at])).toMatchObject({
      code: 64,
      stderr: expect.stringContaining('/nowhere cannot be read') as string
    })
  })

  it('explains a code, as short as one may type it, and lists those like one that there is not', async () => {
    const whole = await kontrol(['explain', 'KTL_HAPROXY_MISSING'])

    expect(whole).toMatchObject({ code: 0, stderr: '' })
    expect(whole.stdout).toMatch(/^KTL_HAPROXY_MISSING\n\nHTTP 500, exit 78\./)
    expect(await kontrol(['explain', 'haproxy_missing'])).toEqual(whole)
    expect(await kontrol(['explain', 'KTL_DNS_NOWHERE'])).toMatchObject({
      code: 64,
      stderr: expect.stringContaining('Codes: KTL_DNS_ANNOTATION_INVALID, KTL_DNS_CONFLICT, KTL_DNS_DENIED') as string
    })
    expect(await kontrol(['explain'])).toMatchObject({ code: 64 })
  })

  it('completes commands and options in bash, zsh and fish', async () => {
    await using dir = await tempDir()
    const scripts = { bash: dir.file('bash'), zsh: dir.file('_kontrol'), fish: dir.file('fish') }
    for (const [name, path] of Object.entries(scripts)) {
      await writeFile(path, (await kontrol(['completion', name])).stdout)
    }
    const inBash = async (...words: string[]): Promise<string> =>
      (
        await shell(
          `source ${scripts.bash}; COMP_WORDS=(kontrol ${words.join(' ')}); COMP_CWORD=${words.length}; _kontrol; echo "\${COMPREPLY[@]}"`
        )
      ).stdout
    const run = async (name: string, line: string) =>
      await runSubprocess(name, name === 'zsh' ? ['-f', '-c', line] : ['--no-config', '-c', line], {
        env: { PATH: process.env.PATH, HOME: dir.path }
      })

    expect(await inBash('hist')).toBe('history\n')
    expect(await inBash('history', '--w')).toBe('--watch\n')
    expect(await inBash('completion', 'f')).toBe('fish\n')

    expect(
      await run('zsh', `autoload -Uz compinit; compinit -u -D; source ${scripts.zsh}; echo $_comps[kontrol]`)
    ).toMatchObject({ code: 0, stdout: '_kontrol\n', stderr: '' })

    const fish = await run(
      'fish',
      `source ${scripts.fish}; complete -C 'kontrol hist'; complete -C 'kontrol history --w'`
    )
    expect(fish.stdout).toMatch(/^history\tList the last reconfigurations.*\n--watch\tLook again each second.*\n$/)
    expect(await kontrol(['completion', 'tcsh'])).toMatchObject({
      code: 64,
      stderr: expect.stringContaining('Usage: kontrol completion bash|zsh|fish') as string
    })
  })
})
