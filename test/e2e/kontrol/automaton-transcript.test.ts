import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { eventually } from '../../support/eventually.ts'
import { startAutomatonProcess } from '../../support/service/start-automaton-process.ts'

/** The manifest of the original's guide, with states to try the rest on. */
const manifest = `
initial: A
terminal: C
states:
- tag: A
  shell: echo starting >> $DIR/trace
  next:
    - B
    - slow
    - forced
    - patient
    - no-script
- tag: B
  shell: |
    printf %s "$INPUT" > $DIR/input
    env > $DIR/env
    echo "B $INPUT" >> $DIR/trace
    exit 3
  next:
    - A
    - B
    - s[l]?w*
    - forced
- tag: slow
  shell: |
    echo slow >> $DIR/trace
    sleep 60 &
    echo $! > $DIR/sleeper
    wait
  next: [A, B]
- tag: forced
  force: true
  shell: |
    touch $DIR/forced
    while [ ! -e $DIR/go ]; do sleep 0.05; done
    echo forced >> $DIR/trace
  next: ['*']
- tag: patient
  force: true
  shell: |
    sleep 1.5
    echo patient >> $DIR/trace
  next: ['*']
- tag: no-script
  next: ['*']
- tag: C
  shell: |
    echo terminating >> $DIR/trace
    sleep 0.2
    echo terminated >> $DIR/trace
  next: ['*']
`

const start = (text = manifest) => startAutomatonProcess(text)
const started = async (text = manifest) => {
  const automaton = await start(text)
  await eventually(async () => (await automaton.socat('STATE')) !== 'idle')
  return automaton
}

describe('the automaton, driven by socat as the facts say', () => {
  it('begins in the initial state', async () => {
    await using automaton = await start()

    await eventually(async () => (await automaton.socat('STATE')) === 'A')
    await eventually(() => readFileSync(automaton.file('trace'), 'utf8') === 'starting\n')
  })

  it('stays in idle, usable, when the initial state is unknown', async () => {
    await using automaton = await start(manifest.replace('initial: A', 'initial: nowhere'))

    expect(await automaton.socat('STATE')).toBe('idle')
    expect(await automaton.socat('WAIT B hello')).toBe('OK')
    expect(await automaton.socat('STATE')).toBe('B')
  })

  it('answers KO to what is no command, no state, or not allowed', async () => {
    await using automaton = await started()
    const commands = {
      'an empty line': '',
      'lower case': 'state',
      'an unknown word': 'JUMP A',
      'a space in front': ' STATE',
      'GOTO without a state': 'GOTO',
      'GOTO with two spaces': 'GOTO  B',
      'an unknown state': 'GOTO nowhere',
      'a state that is not allowed': 'WAIT A',
      'a pattern in place of a state': 'GOTO *',
      'SET without a name': 'SET'
    }

    for (const [what, command] of Object.entries(commands)) expect(await automaton.socat(command), what).toBe('KO')
    expect(await automaton.socat('STATE')).toBe('A')
  })

  it('hands down the input as it is, with its spaces and line breaks, and none as empty', async () => {
    await using automaton = await started()

    for (const input of ['{"counter": 123}', 'two  spaces', 'one\ntwo', '']) {
      expect(await automaton.socat(input === '' ? 'WAIT B' : `WAIT B ${input}`)).toBe('OK')
      expect(readFileSync(automaton.file('input'), 'utf8')).toBe(input)
    }
  })

  it('answers WAIT when the script has ended, whatever its exit code, and GOTO when it starts', async () => {
    await using automaton = await started()

    expect(await automaton.socat('WAIT B 1')).toBe('OK')
    expect(readFileSync(automaton.file('trace'), 'utf8')).toBe('starting\nB 1\n')
    expect(await automaton.socat('GOTO forced')).toBe('OK')
    expect(await automaton.socat('STATE')).toBe('forced')
    expect(readFileSync(automaton.file('trace'), 'utf8')).not.toContain('forced')
    writeFileSync(automaton.file('go'), '')
    expect(await automaton.socat('WAIT B 2')).toBe('OK')
  })

  it('answers OK to SET, and hands the variables to every script from then on, with the path of its socket', async () => {
    await using automaton = await started()

    expect(await automaton.socat('SET COUNTER 123')).toBe('OK')
    expect(await automaton.socat('SET TEXT two  words')).toBe('OK')
    expect(await automaton.socat('SET EMPTY')).toBe('OK')
    for (let run = 0; run < 2; run++) {
      await automaton.socat('WAIT B')
      const env = readFileSync(automaton.file('env'), 'utf8').split('\n')
      expect(env).toEqual(
        expect.arrayContaining(['COUNTER=123', 'TEXT=two  words', 'EMPTY=', `SOCKET=${automaton.socketPath}`, 'INPUT='])
      )
    }
  })

  it('completes a state without a script at once', async () => {
    await using automaton = await started()

    expect(await automaton.socat('WAIT no-script')).toBe('OK')
    expect(await automaton.socat('STATE')).toBe('no-script')
  })

  it('refuses at once what can never be allowed, while a script runs', async () => {
    await using automaton = await started()
    await automaton.socat('WAIT B')
    await automaton.socat('GOTO slow')

    expect(await automaton.socat('GOTO forced')).toBe('KO')
    expect(await automaton.socat('GOTO nowhere')).toBe('KO')
    expect(await automaton.socat('STATE')).toBe('slow')
  })

  it('kills a script and all that it started when a transition has waited for a second, not before', async () => {
    await using automaton = await started()
    await automaton.socat('WAIT B')
    const killed = automaton.socat('WAIT slow')
    const sleeper = await eventually(() => Number(readFileSync(automaton.file('sleeper'), 'utf8')))
    const before = Date.now()

    expect(await automaton.socat('GOTO A')).toBe('OK')
    expect(Date.now() - before).toBeGreaterThan(990)
    expect(await killed).toBe('OK')
    await eventually(() => !existsSync(`/proc/${sleeper}`))
  })

  it('never kills a script that is forced', async () => {
    await using automaton = await started()
    await automaton.socat('GOTO patient')

    expect(await automaton.socat('WAIT A')).toBe('OK')
    expect(readFileSync(automaton.file('trace'), 'utf8')).toBe('starting\npatient\nstarting\n')
  })

  it('reaches the terminal state from everywhere, and nothing from there, and goes on to answer after DIE', async () => {
    await using automaton = await started()

    expect(await automaton.socat('DIE')).toBe('OK')
    await eventually(() => readFileSync(automaton.file('trace'), 'utf8').endsWith('terminated\n'))
    expect(await automaton.socat('STATE')).toBe('C')
    expect(await automaton.socat('GOTO A')).toBe('KO')
    expect(await automaton.socat('DIE')).toBe('KO')
  })

  it.each(['SIGINT', 'SIGTERM'] as const)(
    'runs the terminal state to its end on %s, and exits with 0',
    async (signal) => {
      await using automaton = await started()
      automaton.kill(signal)

      expect(await automaton.ended).toBe(0)
      expect(readFileSync(automaton.file('trace'), 'utf8')).toBe('starting\nterminating\nterminated\n')
      expect(existsSync(automaton.socketPath)).toBe(false)
    }
  )

  it('leaves no script behind when it is asked to end', async () => {
    await using automaton = await started()
    await automaton.socat('WAIT B')
    await automaton.socat('GOTO slow')
    const sleeper = await eventually(() => Number(readFileSync(automaton.file('sleeper'), 'utf8')))
    automaton.kill('SIGTERM')

    expect(await automaton.ended).toBe(0)
    await eventually(() => !existsSync(`/proc/${sleeper}`))
  })

  it('takes the place of a socket that a killed one left', async () => {
    await using first = await started()
    first.kill('SIGKILL')
    await first.ended
    expect(existsSync(first.socketPath)).toBe(true)

    await using second = await startAutomatonProcess(manifest, { socketPath: first.socketPath })
    await eventually(async () => (await second.socat('STATE')) === 'A')
  })
})
