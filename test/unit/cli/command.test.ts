import { describe, expect, it } from 'vitest'
import { defineCommand, runCli, usageError, type CommandTable } from '../../../src/cli/command.ts'
import { commands } from '../../../src/cli/commands.ts'
import { KontrolError } from '../../../src/errors.ts'

const greet = defineCommand({
  summary: 'Greet somebody',
  usage: '<name> [--loud]',
  takes: 1,
  options: { loud: { type: 'boolean', short: 'l', default: false }, times: { type: 'string', default: '1' } },
  optionDocs: { loud: 'With an exclamation mark', times: 'How often' },
  async run({ values, positionals: [name] }, { stdout }) {
    if (name === undefined) throw usageError('greet takes a name', 'Try: kontrol greet Ada')
    if (name === 'nobody') throw new KontrolError('KTL_POD_NOT_FOUND', 'Nobody is there', { hint: 'Look again.' })
    if (name === 'bug') throw new TypeError('oops')
    stdout(`Hello ${name}${values.loud ? '!' : ''}`)
  }
})

const table: CommandTable = { greet: async () => greet }

async function cli(argv: string[], from: CommandTable = table) {
  const out: string[] = []
  const err: string[] = []
  const context = {
    stdout: (line: string) => void out.push(line),
    stderr: (line: string) => void err.push(line),
    env: {},
    columns: () => undefined
  }
  const code = await runCli(argv, from, { ...context, signal: new AbortController().signal })
  return { code, out: out.join('\n'), err: err.join('\n') }
}

describe('runCli', () => {
  it('runs a command with its options', async () => {
    expect(await cli(['greet', 'Ada', '-l'])).toEqual({ code: 0, out: 'Hello Ada!', err: '' })
  })

  it('lists the commands for help, and on stderr for a word that is none', async () => {
    expect(await cli(['help'])).toMatchObject({ code: 0, out: expect.stringContaining('Greet somebody') as string })
    expect(await cli(['dance'])).toMatchObject({ code: 64, err: expect.stringContaining('"dance"') as string })
    expect(await cli(['constructor'])).toMatchObject({ code: 64 })
  })

  it('shows each option and its default with --help', async () => {
    const { code, out } = await cli(['greet', '--help'])

    expect(code).toBe(0)
    expect(out).toMatch(/Usage: kontrol greet <name> \[--loud\]/)
    expect(out).toMatch(/-l, --loud +With an exclamation mark/)
    expect(out).toMatch(/--times <value> +How often \(default: 1\)/)
  })

  it('exits with 64 and the usage for an unknown option', async () => {
    expect(await cli(['greet', '--whisper'])).toMatchObject({
      code: 64,
      err: expect.stringContaining('Usage: kontrol greet') as string
    })
  })

  it('exits with 64 for an argument that would be ignored', async () => {
    expect(await cli(['greet', 'Ada', 'Bob'])).toEqual({
      ...{ code: 64, out: '' },
      err: 'KTL_USAGE: Unexpected argument "Bob"\nHint: Usage: kontrol greet <name> [--loud]'
    })
  })

  it("prints a known error's code, message and hint, and exits with its code", async () => {
    expect(await cli(['greet', 'nobody'])).toMatchObject({
      code: 1,
      err: 'KTL_POD_NOT_FOUND: Nobody is there\nHint: Look again.'
    })
    expect(await cli(['greet'])).toMatchObject({ code: 64 })
  })

  it('exits with 1 and the stack for a bug', async () => {
    expect(await cli(['greet', 'bug'])).toMatchObject({
      code: 1,
      err: expect.stringContaining('TypeError: oops') as string
    })
  })
})

describe('the commands', () => {
  it.each(Object.keys(commands))('%s documents each of its options', async (name) => {
    const command = await commands[name]?.()

    expect(Object.keys(command?.optionDocs ?? {}).sort()).toEqual(Object.keys(command?.options ?? {}).sort())
    expect(command?.summary).not.toMatch(/\.$/)
  })
})
