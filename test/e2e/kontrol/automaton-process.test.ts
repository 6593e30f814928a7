import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { eventually } from '../../support/eventually.ts'
import { startAutomatonProcess } from '../../support/service/start-automaton-process.ts'
import { startService } from '../../support/service/start-service.ts'

const chatty = `
initial: A
terminal: C
states:
- tag: A
  shell: |
    echo one
    echo two >&2
  next: [flood]
- tag: flood
  shell: |
    yes "a line of some length, to fill the log with" | head -n 3000
    sleep 300 &
    echo $! > $DIR/background
- tag: C
`

describe('the automaton as a process', () => {
  it('ends with 78 and the list of problems for an invalid manifest', async () => {
    await using automaton = await startAutomatonProcess('initial: A\nterminal: C\nstates:\n- tag: A\n  shall: echo\n')

    expect(await automaton.ended).toBe(78)
    expect(automaton.stderr()).toBe(`KTL_MANIFEST_INVALID: Invalid lifecycle manifest lifecycle.yml:
  - line 2: terminal names no state: "C"
  - line 5: unknown key "shall" (known: tag, shell, action, on, force, next)
Hint: See docs/lifecycle-manifest.md, and check with "kontrol lifecycle check <file>".
`)
    expect(existsSync(automaton.socketPath)).toBe(false)
  })

  it('leaves the socket of a running one alone, and ends with 78', async () => {
    await using first = await startAutomatonProcess(chatty)
    await using second = await startAutomatonProcess(chatty, { socketPath: first.socketPath })

    expect(await second.ended).toBe(78)
    expect(second.stderr()).toContain('KTL_SOCKET_UNUSABLE')
    expect(await first.socat('STATE')).toBe('A')
  })

  it('keeps its socket beside a control tier that runs none, which hands it what it is asked', async () => {
    await using automaton = await startAutomatonProcess(chatty)
    const { socketPath } = automaton
    await using service = await startService({
      template: 'frontend f\n  bind 127.0.0.1:1\n',
      env: { KONTROL_AUTOMATON: 'off', KONTROL_SOCKET: socketPath }
    })

    const cmd = `echo STATE | socat -t 60 - ${socketPath}`
    expect((await service.send('PUT', '/script', JSON.stringify({ cmd }))).body).toBe('A')
    expect(await automaton.socat('STATE')).toBe('A')
  })

  it('ends with 64 and its usage for a wrong option', async () => {
    await using automaton = await startAutomatonProcess(chatty, { args: ['--verbose'] })

    expect(await automaton.ended).toBe(64)
    expect(automaton.stderr()).toContain('Usage: automaton <manifest> [-s socket] [-l logfile] [-d]')
  })

  it('takes a killed step for over when its processes have ended, also as a process 1 that reaps nobody', async () => {
    const manifest = `
initial: A
terminal: C
states:
- tag: A
  shell: |
    echo begin
    sleep 30
    echo end
  next: [B]
- tag: B
- tag: C
`
    const prefix = ['unshare', '--pid', '--fork', '--kill-child', '--mount-proc']
    await using automaton = await startAutomatonProcess(manifest, { prefix })
    await eventually(() => automaton.log().some(({ line }) => line === 'begin'))

    expect(await automaton.socat('WAIT B')).toBe('OK')
    expect(automaton.log().map(({ msg }) => msg)).not.toContain('step did not end on SIGTERM, killing it')
  })

  it('logs what scripts print only with -d', async () => {
    await using quiet = await startAutomatonProcess(chatty, { args: [] })
    await using debug = await startAutomatonProcess(chatty)
    const linesOf = (automaton: typeof quiet) => automaton.log().flatMap(({ line }) => line ?? [])

    await eventually(() => linesOf(debug).length === 2)
    expect(linesOf(debug).sort()).toEqual(['one', 'two'])
    expect(await quiet.socat('WAIT flood')).toBe('OK')
    expect(linesOf(quiet)).toEqual([])
    process.kill(Number(readFileSync(quiet.file('background'), 'utf8')))
  })

  it('writes the log to a file as well, rotated at 64 KB with three old ones', async () => {
    await using automaton = await startAutomatonProcess(chatty, { args: ['-d', '-l', 'automaton.log'] })
    await eventually(async () => (await automaton.socat('WAIT flood')) === 'OK')
    const logs = readdirSync(automaton.file('.')).filter((name) => name.startsWith('automaton.log'))
    const sizes = logs.map((name) => readFileSync(automaton.file(name)).length)

    expect(logs.sort()).toEqual(['automaton.log', 'automaton.log.1', 'automaton.log.2', 'automaton.log.3'])
    expect(Math.max(...sizes)).toBeLessThan(65_335)
    process.kill(Number(readFileSync(automaton.file('background'), 'utf8')))
    const [first = ''] = readFileSync(automaton.file('automaton.log.1'), 'utf8').split('\n')
    expect(JSON.parse(first)).toMatchObject({ level: 20, state: 'flood', stream: 'stdout' })
  })

  it('ends although a script left something running that holds its output', async () => {
    await using automaton = await startAutomatonProcess(chatty, { args: [] })
    await eventually(async () => (await automaton.socat('WAIT flood')) === 'OK')
    const background = Number(readFileSync(automaton.file('background'), 'utf8'))
    automaton.kill('SIGINT')

    expect(await automaton.ended).toBe(0)
    expect(process.kill(background)).toBe(true)
  })

  it('ends at once on a second signal, and takes a script along that will not end', async () => {
    await using automaton = await startAutomatonProcess(`
initial: A
terminal: C
states:
- tag: A
- tag: C
  shell: |
    trap '' INT TERM
    echo $$ > $DIR/script
    while :; do sleep 0.1; done
`)
    automaton.kill('SIGINT')
    const script = await eventually(() => Number(readFileSync(automaton.file('script'), 'utf8')))
    automaton.kill('SIGINT')

    expect(await automaton.ended).toBe(130)
    await eventually(() => !existsSync(`/proc/${script}`))
  })
})
