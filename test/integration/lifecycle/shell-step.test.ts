import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it, onTestFinished } from 'vitest'
import { runShellStep, type ShellStep } from '../../../src/lifecycle/shell-step.ts'
import { eventually } from '../../support/eventually.ts'
import { lives } from '../../support/service/lives.ts'
import { tempDir } from '../../support/temp-dir.ts'
import { recordingLogger, silentLogger } from '../../support/test-logger.ts'

async function folder() {
  const dir = await tempDir()
  onTestFinished(() => dir[Symbol.asyncDispose]())
  return dir
}

const step = (script: string, more: Partial<ShellStep> = {}): ShellStep => ({
  script,
  input: '',
  env: { PATH: process.env.PATH },
  signal: new AbortController().signal,
  graceMs: 10_000,
  logger: silentLogger(),
  ...more
})

describe('a shell step', () => {
  it('ends with the exit code of its script', async () => {
    expect(await runShellStep(step('exit 3'))).toEqual({ code: 3, signal: null })
  })

  it('finds its input, with spaces, quotes and line breaks, in $INPUT and in the file $INPUT_FILE', async () => {
    const dir = await folder()
    const input = `{"a": ["it's",\n "two  words"]}`
    await runShellStep(step(`printf %s "$INPUT" > ${dir.file('a')}; cp "$INPUT_FILE" ${dir.file('b')}`, { input }))

    expect(readFileSync(dir.file('a'), 'utf8')).toBe(input)
    expect(readFileSync(dir.file('b'), 'utf8')).toBe(input)
  })

  it('has an empty input when there is none', async () => {
    expect((await runShellStep(step('test "${INPUT-unset}" = "" && test ! -s "$INPUT_FILE"'))).code).toBe(0)
  })

  it.each([
    ['the most that an environment variable holds', 131_065, 'set'],
    ['one byte more', 131_066, 'unset'],
    ['4 MiB', 4 * 1024 * 1024, 'unset']
  ])('takes an input of %s', async (_, bytes, variable) => {
    const script = `test "$(wc -c < "$INPUT_FILE")" -eq ${bytes} && test "\${INPUT+set}" = "${variable === 'set' ? 'set' : ''}"`

    expect(await runShellStep(step(script, { input: 'x'.repeat(bytes) }))).toEqual({ code: 0, signal: null })
  })

  it('is the leader of a session and process group of its own', async () => {
    const dir = await folder()
    await runShellStep(step(`ps -o pid=,pgid=,sid= -p $$ > ${dir.file('ids')}`))
    const ids = readFileSync(dir.file('ids'), 'utf8').trim().split(/\s+/)

    expect(new Set(ids).size).toBe(1)
    expect(ids[0]).not.toBe(String(process.pid))
  })

  it('logs the lines of both streams at debug', async () => {
    const { logger, lines } = recordingLogger()
    await runShellStep(step('echo one; echo two >&2; printf three', { logger }))

    expect(lines.map(({ level, stream, line }) => [level, stream, line])).toEqual(
      expect.arrayContaining([
        [20, 'stdout', 'one'],
        [20, 'stderr', 'two'],
        [20, 'stdout', 'three']
      ])
    )
  })

  it.each([
    ['lines', 'yes "a line of output" | head -c 50000000'],
    ['a single line', 'head -c 50000000 /dev/zero | tr "\\0" x']
  ])('does not hang on 50 MB of output in %s', async (_, script) => {
    expect(await runShellStep(step(`${script}; exit 7`))).toEqual({ code: 7, signal: null })
  })

  it('logs no value of a variable that holds a secret by its name', async () => {
    const { logger, lines } = recordingLogger()
    const env = { PATH: process.env.PATH, DB_PASSWORD: 'hunter-2222' }
    await runShellStep(step('set -x; echo "as $DB_PASSWORD"; printf "\\033[2Jx"', { logger, env }))

    expect(JSON.stringify(lines)).not.toContain('hunter')
    expect(lines.map(({ line }) => line)).toContain('as ***')
    expect(lines.map(({ line }) => line)).toContain('\x1b[2Jx')
  })

  it('ends with a step that prints without an end, at debug as well, when it is aborted', async () => {
    let logged = 0
    const stopping = new AbortController()
    const { logger } = recordingLogger()
    const counting = Object.assign(Object.create(logger) as typeof logger, {
      child: () => counting,
      debug: () => void logged++
    })
    const ended = runShellStep(
      step('trap "" PIPE; tr "\\0" x </dev/zero', { logger: counting, signal: stopping.signal, graceMs: 100 })
    )
    await eventually(() => logged > 1000)
    stopping.abort()

    expect(await ended).toMatchObject({ code: null })
  })

  it('cuts a long line into pieces and loses nothing', async () => {
    const { logger, lines } = recordingLogger()
    await runShellStep(step('head -c 1000000 /dev/zero | tr "\\0" "é"', { logger }))
    const pieces = lines.map(({ line }) => line as string)

    expect(Math.max(...pieces.map(({ length }) => length))).toBeLessThanOrEqual(4096)
    expect(pieces.join('')).toHaveLength(1_000_000)
  })

  it('does not wait for what the script leaves in the background, and leaves it running', async () => {
    const dir = await folder()
    await runShellStep(step(`sleep 60 & echo $! > ${dir.file('pid')}`))
    const pid = Number(readFileSync(dir.file('pid'), 'utf8'))
    onTestFinished(() => void process.kill(pid))

    expect(lives(pid)).toBe(true)
  })

  it('reads its script as busybox ash does, where that is the shell', async () => {
    const dir = await folder()
    const script = `if [ "$A" == "$A" ]; then echo $A > ${dir.file('said')}; fi`
    const env = { PATH: process.env.PATH, A: String.raw`{"text": "one\ntwo"}` }

    expect(await runShellStep(step(script, { env, shell: ['busybox', 'ash'] }))).toEqual({ code: 0, signal: null })

    expect(readFileSync(dir.file('said'), 'utf8')).toBe(`${env.A}\n`)
  })

  it('ends with all that it started when it is aborted', async () => {
    const dir = await folder()
    const abort = new AbortController()
    const ended = runShellStep(step(`sleep 60 & echo $! > ${dir.file('pid')}; wait`, { signal: abort.signal }))
    const pid = await eventually(() => Number(readFileSync(dir.file('pid'), 'utf8')))
    abort.abort()

    expect(await ended).toMatchObject({ signal: 'SIGTERM' })
    expect(lives(pid)).toBe(false)
  })

  it('may clean up after SIGTERM', async () => {
    const dir = await folder()
    const abort = new AbortController()
    const script = `trap 'touch ${dir.file('cleaned')}; exit 0' TERM; touch ${dir.file('ready')}; while :; do sleep 0.05; done`
    const ended = runShellStep(step(script, { signal: abort.signal }))
    await eventually(() => existsSync(dir.file('ready')))
    abort.abort()
    await ended

    expect(existsSync(dir.file('cleaned'))).toBe(true)
  })

  it('is killed when it ignores SIGTERM for the grace', async () => {
    const dir = await folder()
    const abort = new AbortController()
    const script = `trap '' TERM; touch ${dir.file('ready')}; while :; do sleep 0.05; done`
    const ended = runShellStep(step(script, { signal: abort.signal, graceMs: 200 }))
    await eventually(() => existsSync(dir.file('ready')))
    abort.abort()

    expect(await ended).toEqual({ code: null, signal: 'SIGKILL' })
  })

  it('takes along a child that ignores SIGTERM though the shell does not', async () => {
    const dir = await folder()
    const abort = new AbortController()
    const child = `trap "" TERM; echo $$ > ${dir.file('pid')}; while :; do sleep 0.05; done`
    const ended = runShellStep(step(`sh -c '${child}' & wait`, { signal: abort.signal, graceMs: 200 }))
    const pid = await eventually(() => Number(readFileSync(dir.file('pid'), 'utf8')))
    abort.abort()
    await ended

    await eventually(() => !lives(pid))
  })

  it('says why it cannot be started', async () => {
    const env = Object.fromEntries(Array.from({ length: 40 }, (_, n) => [`V${n}`, 'x'.repeat(100_000)]))

    await expect(runShellStep(step('exit 0', { env }))).rejects.toThrow('E2BIG')
  })
})
