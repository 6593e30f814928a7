import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from '../../support/eventually.ts'
import {
  commandBlocks,
  commandsOf,
  pages,
  promiseOf,
  readPage,
  type CommandBlock
} from '../../support/docs/command-blocks.ts'
import { ownMachine, type OwnMachine } from '../../support/docs/own-machine.ts'
import { missing } from '../../support/docs/shown-output.ts'

const MINUTE = 60_000
/** Its commands make machines of their own: test/deb runs them. */
const ELSEWHERE = 'docs/virtual-machines.md'
const OPERATIONS = 'docs/operations.md'

const blocks = pages()
  .filter((page) => page !== ELSEWHERE)
  .flatMap(commandBlocks)
  .filter((block) => promiseOf(block).runs)
const runsOn = (page: string): CommandBlock => {
  const found = blocks.find((block) => block.page === page && !promiseOf(block).ends)
  if (found === undefined) throw new Error(`${page} has no block that runs on`)
  return found
}
const isDrain = ({ text }: CommandBlock): boolean => text.startsWith('$ kontrol drain')
const ending = blocks.filter((block) => promiseOf(block).ends && !isDrain(block))
// A pod joins by the README, and operations.md shows what became of it, before other pages ask for more.
const EARLY = ['README.md', OPERATIONS]
const inOrder = [...ending].sort((a, b) => Number(EARLY.includes(b.page)) - Number(EARLY.includes(a.page)))

let machine: OwnMachine

/** Runs the commands of a block, as a reader does who has this socket. */
async function runBlock(block: CommandBlock, env: NodeJS.ProcessEnv = {}): Promise<void> {
  for (const { text, shown } of commandsOf(block)) {
    const line = text.replaceAll('/tmp/sock', join(machine.folder, 'sock'))
    // What a command has caused shows a moment later.
    await eventually(async () => {
      const { code, stdout, stderr } = await machine.run(line, env)
      expect(code, `${line} printed\n${stdout}${stderr}`).toBe(promiseOf(block).exitCode)
      expect(missing(shown, stdout, stderr), `${line} printed\n${stdout}${stderr}`).toEqual([])
      return true
    }, MINUTE / 2)
  }
}

describe('a command that a page marks as runnable', () => {
  beforeAll(async () => {
    machine = await ownMachine()
    const [, template = ''] = /```jinja\n(.*?)```/s.exec(readPage('docs/templates.md')) ?? []
    await writeFile(join(machine.folder, 'my.cfg.j2'), template)
    await writeFile(join(machine.folder, 'hosts.json'), '{"web": ["10.0.0.1"]}')
    const demo = machine.start(runsOn('README.md').text)
    await eventually(() => {
      if (demo.output().includes('First request: Served by')) return true
      throw new Error(demo.output())
    }, 2 * MINUTE)
    await eventually(async () => /^servers +3, 0 down$/m.test((await machine.run('kontrol status')).stdout), MINUTE)
  }, 5 * MINUTE)

  afterAll(async () => {
    await machine?.[Symbol.asyncDispose]()
  })

  it.each(inOrder.map((block) => [`${block.page}:${block.line}`, block] as const))(
    'does what it says, and prints what is shown: %s',
    async (_place, block) => {
      // Those of the configuration are of a process that is about to start somewhere.
      const elsewhere = block.page === 'docs/configuration.md' ? { KONTROL_DATA: join(machine.folder, 'other') } : {}
      await runBlock(block, elsewhere)
    }
  )

  it(
    'starts the HAProxy by hand that serves again after a drain',
    async () => {
      const [drain] = blocks.filter(isDrain)
      // Another master's hosts, as the manifest's page sends them, are what was rendered last.
      await machine.run('kontrol goto render')
      const before = await eventually(async () => {
        const { stdout } = await machine.run('curl -s localhost:8000/api/v1/config')
        return stdout.includes('server demo-3 ') ? stdout : undefined
      }, MINUTE)
      const [, proxy = ''] = /bind +(127\.0\.0\.1:\d+)/.exec(before) ?? []
      await runBlock(drain as CommandBlock)
      expect((await machine.run(`curl -s http://${proxy}/`)).code).toBe(7)

      const haproxy = machine.start(runsOn(OPERATIONS).text)

      await eventually(async () => {
        const { code, stdout } = await machine.run(`curl -sf http://${proxy}/`)
        if (code !== 0) throw new Error(`${code}: ${haproxy.output()}`)
        return stdout.startsWith('Served by')
      }, MINUTE)
    },
    3 * MINUTE
  )
})
