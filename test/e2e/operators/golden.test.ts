import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { commands } from '../../../src/cli/commands.ts'
import { eventually } from '../../support/eventually.ts'
import { kontrol } from '../../support/service/kontrol-cli.ts'
import { startGoldenWorld, type GoldenWorld } from '../../support/service/golden-world.ts'
import { CTRL_C, startInTerminal } from '../../support/terminal/start-in-terminal.ts'
import { call, failing, goldenCalls, json, type Call } from './golden-calls.ts'

const MAIN = join(import.meta.dirname, '../../../dist/main.js')
const PROJECT = join(import.meta.dirname, '../../..')
const GOLDEN = join(import.meta.dirname, 'golden')
const NARROW = 80
const WIDE = 200
const ESCAPE = '\u001b'

/** Those that need more than a call: tests of their own below. */
const BY_HAND = ['events', 'broken', 'drain']
/** Read before a test could write one: vitest makes what is missing, where it is not told that it runs in CI. */
const kept = existsSync(GOLDEN) ? readdirSync(GOLDEN) : []

let world: GoldenWorld
let calls: ReturnType<typeof goldenCalls>
beforeAll(async () => {
  world = await startGoldenWorld()
  calls = goldenCalls(world)
  await writeFile(world.file('hosts.json'), '{"web": ["10.0.0.1", "10.0.0.2"]}')
  await writeFile(world.file('small.j2'), "{% for ip in hosts['web'] -%}\nserver {{ ip }}:80\n{% endfor %}")
  await writeFile(world.file('cut.cfg'), '# nothing\n')
})
afterAll(() => world[Symbol.asyncDispose]())

const environmentOf = ({ env }: Call): NodeJS.ProcessEnv => env ?? { KONTROL_PORT: String(world.service.port) }

/** What a reader of the golden file sees: the line that was typed, and what came of it. */
const section = ({ args }: Pick<Call, 'args'>, way: string, code: number | null, text: string): string =>
  `$ kontrol ${world.stable(args.join(' '))}   # ${way}, exit code ${code}\n${world.stable(text)}\n`

async function piped(one: Call): Promise<string> {
  const { code, stdout, stderr } = await kontrol([...one.args], environmentOf(one))
  expect(stdout + stderr).not.toContain(ESCAPE)
  expect(code, `${one.args.join(' ')}: ${stderr}`).toBe(one.code)
  if (!one.args.includes('--json')) return section(one, 'piped', code, stdout + stderr)
  expect(() => JSON.parse(stdout) as unknown, stdout).not.toThrow()
  return ''
}

async function drawn(one: Call, columns: number): Promise<string> {
  const terminal = startInTerminal(one.args, { columns, env: environmentOf(one), cwd: PROJECT })
  const { code, drawn: text, widest } = await terminal.ended()
  expect(widest, text).toBeLessThanOrEqual(columns)
  expect(code, `${one.args.join(' ')}: ${text}`).toBe(one.code)
  return section(one, `${columns} columns`, code, text)
}

type Way = (one: Call) => Promise<string>
const EACH_WAY: readonly Way[] = [piped, (one) => drawn(one, NARROW), (one) => drawn(one, WIDE)]

function waysOf({ pipeOnly }: Call, isFirst: boolean): readonly Way[] {
  if (pipeOnly) return [piped]
  return isFirst ? EACH_WAY : [(one) => drawn(one, NARROW)]
}

/** Resolves once it has printed, or done, what it is to be ended behind. */
type Until = (text: () => string) => Promise<void>

/** @param way shown in the golden file */
async function pipedUntil(one: Call, until: Until, signal: NodeJS.Signals, way = 'piped'): Promise<string> {
  const running = spawn(process.execPath, [MAIN, ...one.args], { env: environmentOf(one) })
  let text = ''
  for (const stream of [running.stdout, running.stderr]) stream.on('data', (chunk) => (text += String(chunk)))
  await until(() => text)
  running.kill(signal)
  const [code] = (await once(running, 'close')) as [number | null]
  expect(code, text).toBe(one.code)
  expect(text).not.toContain(ESCAPE)
  return section(one, way, code, text)
}

async function drawnUntil(one: Call, until: Until, columns: number): Promise<string> {
  const terminal = startInTerminal(one.args, { columns, env: environmentOf(one) })
  await until(() => terminal.drawn())
  terminal.type(CTRL_C)
  const ended = await terminal.ended()
  expect(ended.code, ended.drawn).toBe(one.code)
  expect(ended.widest).toBeLessThanOrEqual(columns)
  return section(one, `${columns} columns`, ended.code, ended.drawn)
}

/** What changes nothing runs at once. */
async function printed(all: readonly Call[], inTurn: boolean): Promise<string> {
  const runs = all.flatMap((one, index) =>
    waysOf(one, index === 0).map((way) => async () => {
      await one.before?.()
      return await way(one)
    })
  )
  if (!inTurn) return (await Promise.all(runs.map((run) => run()))).join('')
  const texts: string[] = []
  for (const run of runs) texts.push(await run())
  return texts.join('')
}

const matchesGolden = async (name: string, text: string): Promise<void> =>
  await expect(text).toMatchFileSnapshot(join(GOLDEN, `${name}.txt`))

/** Those that change something: one call after the other, when all that look have looked. */
const IN_TURN = ['ping', 'goto', 'forget']
const LOOKS = Object.keys(commands).filter((name) => ![...BY_HAND, ...IN_TURN].includes(name))
const NAMES = ['help', ...LOOKS, ...IN_TURN]

/** A slave, which is there until it is ended, and one whose master never was. */
async function pingsUntilEnded(): Promise<string> {
  const ping = (master: string, every: string, code: number): Call => {
    return failing(code, 'ping', master, '--app', 'slave', '--ip', '127.0.0.7', '--key', 'slave', '--every', every)
  }
  const statusOf = async (): Promise<number> => (await world.service.get('/api/v1/pods/slave')).status
  const waysOf = (one: Call, until: Until): (() => Promise<string>)[] => [
    async () => await pipedUntil(one, until, 'SIGINT', 'piped, ended by SIGINT'),
    async () => await pipedUntil(one, until, 'SIGTERM', 'piped, ended by SIGTERM'),
    async () => await drawnUntil(one, until, NARROW),
    async () => await drawnUntil(one, until, WIDE)
  ]
  const slave = waysOf(ping(`127.0.0.1:${world.service.port}`, '0.2', 0), async () => {
    await eventually(async () => (await statusOf()) === 200)
  })
  const alone = waysOf(ping('127.0.0.1:1', '600', 75), async (text) => {
    await eventually(() => text().includes('ECONNREFUSED 127.0.0.1:1'))
  })

  const found: string[] = []
  for (const way of slave) {
    found.push(await way())
    expect(await statusOf(), 'it has said goodbye').toBe(404)
  }
  return [...found, ...(await Promise.all(alone.map((way) => way())))].join('')
}

describe('what the command line prints', () => {
  it('is kept of each command', () => {
    expect(Object.keys(calls).sort()).toEqual([...NAMES].sort())
    expect([...kept].sort()).toEqual([...NAMES, ...BY_HAND].map((name) => `${name}.txt`).sort())
  })

  it.each(NAMES)('%s', async (name) => {
    const help = name === 'help' ? [] : [call(name, '--help')]
    const text = await printed([...(calls[name] ?? []), ...help], IN_TURN.includes(name))
    await matchesGolden(name, name === 'ping' ? text + (await pingsUntilEnded()) : text)
  })

  it('events', async () => {
    const one = call('events')
    const renders = async (text: () => string): Promise<void> => {
      await eventually(() => text().includes('Listening'))
      await world.service.send('POST', '/api/v1/lifecycle/transitions', '{"state":"render","wait":true}')
      await eventually(() => text().includes('idle: done'))
    }
    const found = [await pipedUntil(one, renders, 'SIGINT')]
    for (const columns of [NARROW, WIDE]) found.push(await drawnUntil(one, renders, columns))
    await matchesGolden('events', found.join(''))
  })

  it('tells of a template that HAProxy refuses', async () => {
    await world.append('  見知らぬ言葉 that HAProxy has never heard of\n')
    await eventually(async () => (await world.service.get('/readyz')).body.includes('KTL_HAPROXY_CONFIG_REJECTED'))
    const { reconfigurations } = await world.service.json<{ reconfigurations: { id: number }[] }>(
      '/api/v1/reconfigurations'
    )
    const last = String(reconfigurations.at(-1)?.id)
    const looks = [failing(1, 'status'), call('state'), call('history', last), failing(1, 'diff')]

    const text = await printed([...looks, { ...json('diff'), code: 1 }, json('state')], false)
    // How many went before is a matter of time.
    await matchesGolden('broken', text.replace(`history ${last} `, 'history 9 ').replace(/^id .*/m, 'id       9'))
  })

  it('drain', async () => {
    const text = [await drawn(call('drain'), NARROW)]
    text.push(await printed([failing(1, 'drain')], false), await drawn(call('drain', '--help'), NARROW))
    await matchesGolden('drain', text.join(''))
  })
})
