import { copyFile, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { runSubprocess } from '../../src/platform/process/subprocess.ts'
import { commandBlocks, promiseOf } from '../support/docs/command-blocks.ts'
import { eventually } from '../support/eventually.ts'
import { command } from '../support/service/command.ts'
import { DebianMachine } from './debian-machine.ts'

const MINUTE = 60_000
const root = join(import.meta.dirname, '../..')
/** Those of the default files. */
const ADDRESSES = ['192.0.2.10', '192.0.2.21']
const server = `require("http").createServer((request, response) => response.end("web")).listen(8080)`

/** The blocks of the page that a test runs, in their order. */
const blocks = commandBlocks('docs/virtual-machines.md').filter((block) => promiseOf(block).runs)
const beginning = (words: string): string => {
  const found = blocks.filter(({ text }) => text.startsWith(words))
  if (found.length !== 1) throw new Error(`${found.length} blocks begin with ${words}`)
  return found[0]?.text ?? ''
}

describe('docs/virtual-machines.md, as it is written', () => {
  let folder: string
  let project: string
  let machine: DebianMachine
  const ran: string[] = []

  /** On the machine that builds. */
  const build = async (words: string) => {
    const text = beginning(words)
    const { code, stdout, stderr } = await runSubprocess('sh', ['-ec', text], { cwd: project })
    expect(code, `${text} printed\n${stdout.slice(-3000)}${stderr.slice(-3000)}`).toBe(0)
    ran.push(text)
  }
  /** On the machine that is set up, in the folder of root; answers what it prints. */
  const setUp = async (text: string) => {
    const said = await machine.run('sh', '-ec', `cd /root\n${text}`)
    ran.push(text)
    return said
  }

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'kh-hand-'))
    project = join(folder, 'project')
    const files = (await command('git', ['-C', root, 'ls-files', '--cached', '--others', '--exclude-standard'])).trim()
    for (const file of files.split('\n')) {
      await mkdir(join(project, dirname(file)), { recursive: true })
      await copyFile(join(root, file), join(project, file))
    }
    machine = await DebianMachine.boot(inject('trixie'), ADDRESSES)
    await machine.run('systemd-run', '--unit=web', 'node', '-e', server)
  })

  afterAll(async () => {
    await machine?.[Symbol.asyncDispose]()
    await rm(folder, { recursive: true })
  })

  it('makes the package, which apt-get installs and purges', async () => {
    await build('npm run package:deb')
    const [name = ''] = (await readdir(project)).filter((file) => file.endsWith('.deb'))
    await copyFile(join(project, name), join(machine.folder, 'root', name))

    await setUp(beginning('apt-get install --yes ./'))

    expect(await machine.run('kontrol', '--version')).toMatch(/^\d+\.\d+\.\d+\n$/)
    await machine.run('apt-get', 'purge', '--yes', 'kontrol-haproxy')
    expect(await machine.shell('command -v kontrol')).toBe('')
  }, 600_000)

  it('serves a request by a proxy and a backend that are set up by hand', async () => {
    await build('npm ci')
    await copyFile(join(project, 'kontrol-haproxy.tar.gz'), join(machine.folder, 'root/kontrol-haproxy.tar.gz'))
    const [slave = ''] = blocks.map(({ text }) => text).filter((text) => text.includes('kontrol-slave.service'))

    await setUp(beginning('install -d /opt'))
    await setUp(beginning('apt-get install --yes haproxy'))
    await setUp(slave)

    const look = beginning('kontrol pods')
    await eventually(async () => {
      const said = await machine.run('sh', '-ec', look)
      expect(said).toMatch(/ web +.* live/)
      expect(said).toMatch(/^HTTP\/1.1 200 OK[^]*\r\n\r\nweb/m)
      return true
    }, 2 * MINUTE)
    ran.push(look)
  }, 600_000)

  it('leaves no program behind when it is taken away', async () => {
    await machine.run('systemctl', 'disable', '--now', 'kontrol-slave')

    await setUp(beginning('kontrol drain'))

    expect(await machine.listeningPorts()).toEqual([8080])
    expect(
      await machine.shell('getent passwd kontrol; command -v kontrol automaton; ls -d /opt/kontrol /var/lib/kontrol')
    ).toBe('')
  })

  it('has no other block that is marked as runnable', () => {
    expect([...ran].sort()).toEqual(blocks.map(({ text }) => text).sort())
  })
})
