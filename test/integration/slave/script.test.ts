import { existsSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { unixCaller } from '../../../src/access/caller.ts'
import { ScriptRunner, type ScriptRunnerOptions } from '../../../src/slave/script/script.ts'
import { eventually } from '../../support/eventually.ts'
import { makeAccess } from '../../support/registry/make-access.ts'
import { recordingLogger, silentLogger } from '../../support/test-logger.ts'

/** An automaton at the other end of the sink: it answers when the test says so. */
function automaton() {
  const commands: string[] = []
  const answers: ((text: string) => void)[] = []
  return {
    commands,
    sink: {
      execute: (line: string) => {
        commands.push(line)
        return new Promise<string>((resolve) => answers.push(resolve))
      }
    },
    answer: async (text: string) => (await eventually(() => answers.shift()))(text)
  }
}
const runner = (change: Partial<ScriptRunnerOptions>) =>
  new ScriptRunner({
    mode: 'automaton',
    socketPath: '/tmp/sock',
    sink: undefined,
    access: makeAccess(),
    logger: silentLogger(),
    env: process.env,
    ...change
  })
const say = (text: string) => ({ cmd: `echo ${text} | socat -t 60 - /tmp/sock` })

describe('ScriptRunner', () => {
  it.each([[null], ['text'], [[]], [{}], [{ cmd: 7 }], [{ cmd: ' ' }], [{ cmd: 'a\0b' }]])(
    'refuses the body %j, which has no command',
    async (body) => {
      await expect(runner({ mode: 'shell' }).run(body, unixCaller)).rejects.toMatchObject({
        code: 'KTL_REQUEST_INVALID'
      })
    }
  )

  it('runs nothing when it is off', async () => {
    const { sink, commands } = automaton()

    await expect(runner({ mode: 'off', sink }).run(say('STATE'), unixCaller)).rejects.toMatchObject({
      code: 'KTL_FORBIDDEN'
    })
    expect(commands).toEqual([])
  })

  describe('in mode automaton', () => {
    it('hands the command over and answers as the socket would', async () => {
      const { sink, commands, answer } = automaton()

      const output = runner({ sink }).run(
        { cmd: 'echo WAIT configure "$INPUT" | socat -t 60 - /tmp/sock', a: ['é'] },
        unixCaller
      )
      await answer('OK')

      expect(await output).toBe('OK')
      expect(commands).toEqual([
        String.raw`WAIT configure {"a": ["\u00e9"], "cmd": "echo WAIT configure \"$INPUT\" | socat -t 60 - /tmp/sock"}`
      ])
    })

    it('runs one at a time, in order', async () => {
      const { sink, commands, answer } = automaton()
      const scripts = runner({ sink })

      const outputs = Promise.all(['GOTO a', 'GOTO b', 'GOTO c'].map((text) => scripts.run(say(text), unixCaller)))
      await eventually(() => commands.length === 1)
      await new Promise(setImmediate)
      expect(commands).toEqual(['GOTO a'])
      for (const text of ['1', '2', '3']) await answer(text)

      expect(await outputs).toEqual(['1', '2', '3'])
      expect(commands).toEqual(['GOTO a', 'GOTO b', 'GOTO c'])
    })

    it('refuses anything else at once, though another waits', async () => {
      const { sink, commands, answer } = automaton()
      const scripts = runner({ sink })
      const waiting = scripts.run(say('WAIT a'), unixCaller)

      await expect(scripts.run({ cmd: 'rm -rf /' }, unixCaller)).rejects.toMatchObject({ code: 'KTL_FORBIDDEN' })
      await answer('OK')

      expect(await waiting).toBe('OK')
      expect(commands).toEqual(['WAIT a'])
    })

    it('gives up on a command that takes too long, and goes on with the next', async () => {
      const { sink, answer, commands } = automaton()
      const scripts = runner({ sink, timeoutMs: 100 })

      await expect(scripts.run(say('WAIT a'), unixCaller)).rejects.toMatchObject({
        code: 'KTL_SCRIPT_TIMEOUT',
        statusCode: 500
      })
      const next = scripts.run(say('STATE'), unixCaller)
      await eventually(() => commands.length === 2)
      await answer('late')
      await answer('idle')

      expect(await next).toBe('idle')
    })

    it('goes on after a command that failed', async () => {
      let first = true
      const sink = {
        execute: async () => {
          if (!first) return 'idle'
          first = false
          throw new Error('broken')
        }
      }
      const scripts = runner({ sink })

      await expect(scripts.run(say('WAIT a'), unixCaller)).rejects.toThrowError('broken')
      expect(await scripts.run(say('STATE'), unixCaller)).toBe('idle')
    })

    it('refuses more than 64 that wait', async () => {
      const { sink, answer } = automaton()
      const scripts = runner({ sink })
      const waiting = Array.from({ length: 64 }, () => scripts.run(say('STATE'), unixCaller))

      await expect(scripts.run(say('STATE'), unixCaller)).rejects.toMatchObject({ code: 'KTL_QUEUE_FULL' })

      for (const output of waiting) {
        await answer('idle')
        expect(await output).toBe('idle')
      }
    })

    it('says so when there is no automaton', async () => {
      await expect(runner({}).run(say('STATE'), unixCaller)).rejects.toThrowError('runs no automaton')
    })
  })

  describe('in mode shell', () => {
    it('gives the standard output without its final line break, whatever the exit code', async () => {
      const { logger, lines } = recordingLogger()

      const output = await runner({ mode: 'shell', logger }).run(
        { cmd: 'echo one; echo two; echo oops >&2; exit 3' },
        unixCaller
      )

      expect(output).toBe('one\ntwo')
      expect(lines).toMatchObject([{ msg: 'script ran', code: 3, stderr: 'oops' }])
    })

    it('has the body as INPUT', async () => {
      const output = await runner({ mode: 'shell' }).run({ cmd: 'printf %s "$INPUT"', b: [1, 2] }, unixCaller)

      expect(output).toBe(String.raw`{"b": [1, 2], "cmd": "printf %s \"$INPUT\""}`)
    })

    it('has a body too long for a variable in INPUT_FILE, and removes it', async () => {
      const body = { cmd: 'echo "${INPUT-none}"; wc -c < "$INPUT_FILE"; echo "$INPUT_FILE"', data: 'x'.repeat(200_000) }

      const [input, size, path = ''] = (await runner({ mode: 'shell' }).run(body, unixCaller)).split('\n')

      expect(input).toBe('none')
      expect(Number(size)).toBeGreaterThan(200_000)
      expect(path).toContain('kontrol-script-')
      expect(existsSync(path)).toBe(false)
    })

    it('refuses a command that no process can be given', async () => {
      const cmd = `echo ${'x'.repeat(140_000)}`

      await expect(runner({ mode: 'shell' }).run({ cmd }, unixCaller)).rejects.toMatchObject({
        code: 'KTL_REQUEST_INVALID'
      })
    })

    it('ends a command that takes too long', async () => {
      const scripts = runner({ mode: 'shell', timeoutMs: 200 })

      await expect(scripts.run({ cmd: 'sleep 1000' }, unixCaller)).rejects.toMatchObject({ code: 'KTL_SCRIPT_TIMEOUT' })
      expect(await scripts.run({ cmd: 'echo next' }, unixCaller)).toBe('next')
    })

    it('is not held up by more output than it keeps', async () => {
      const output = await runner({ mode: 'shell' }).run({ cmd: 'head -c 3000000 /dev/zero | tr "\\0" x' }, unixCaller)

      expect(output).toHaveLength(1024 * 1024)
    })
  })
})
