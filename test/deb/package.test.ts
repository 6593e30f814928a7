import { copyFile, readdir, readFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import type { Pool } from 'undici'
import { commands } from '../../src/cli/commands.ts'
import { eventually } from '../support/eventually.ts'
import { sendTraffic } from '../support/load/traffic.ts'
import { DebianMachine } from './debian-machine.ts'

const MINUTE = 60_000
/** Those of the default files, which the machine is given, so that they hold as they are delivered. */
const PROXY = '192.0.2.10'
const BACKEND = '192.0.2.21'
const OTHER = '192.0.2.22'

const server = `require("http").createServer((request, response) => response.end("web")).listen(8080)`

/** What Debian's own programs keep, whatever is installed and removed: caches, logs, dpkg's database, copies of user lists. */
const THEIR_OWN =
  /^(proc|sys|run|tmp|dev|mnt|var\/(lib\/(dpkg|systemd)|cache|log|tmp)|root)(\/|$)|^etc\/[a-z]+-$|^to-\d+\.sock$/

async function filesOf(root: string): Promise<string[]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true })
  const paths = entries.map((entry) => relative(root, join(entry.parentPath, entry.name)))
  return paths.filter((path) => !THEIR_OWN.test(path)).sort()
}

describe.each(['bookworm', 'trixie'] as const)('the Debian package on %s', (release) => {
  const packageFile = inject('packageFile')
  let machine: DebianMachine
  let web: Pool
  let before: string[]

  const install = async () => await machine.run('dpkg', '-i', '/kontrol.deb')
  const mainPid = async (unit: string) => await machine.run('systemctl', 'show', '--property=MainPID', '--value', unit)
  /** Of the kontrol user. */
  const processes = async () => {
    const script =
      '/^Name:/ { name = $2 } /^Pid:/ { pid = $2 } /^PPid:/ { parent = $2 } /^Uid:/ && $2 == uid { print pid, parent, name }'
    const lines = await machine.shell(`awk -v uid="$(id -u kontrol)" '${script}' /proc/[0-9]*/status 2>/dev/null`)
    return [...lines.matchAll(/^(\d+) (\d+) (.*)$/gm)].map(([, pid, parent, name]) => ({ pid, parent, name }))
  }
  const haproxyMasters = async () => {
    const haproxys = (await processes()).filter(({ name }) => name === 'haproxy')
    // A master has a worker: the check of a configuration is a haproxy too, for a moment, and has none.
    return haproxys.filter(({ pid }) => haproxys.some(({ parent }) => parent === pid)).map(({ pid }) => pid)
  }
  const whileServing = async (work: () => Promise<unknown>) => {
    const stopped = new AbortController()
    const traffic = sendTraffic(web, { signal: stopped.signal })
    await work()
    stopped.abort()
    return await traffic
  }
  /** The control tier answers, and has the backend's server. */
  const complete = async () =>
    (await machine.run('kontrol', 'pods')).includes('web-1') && (await machine.run('kontrol', 'status'))

  beforeAll(async () => {
    machine = await DebianMachine.boot(inject(release), [PROXY, BACKEND, OTHER])
    await copyFile(packageFile, join(machine.folder, 'kontrol.deb'))
    before = await filesOf(machine.folder)
    await machine.run('systemd-run', '--unit=web', 'node', '-e', server)
  })

  afterAll(async () => {
    await web?.destroy()
    await machine?.[Symbol.asyncDispose]()
  })

  it('gives the programs, their manual and the units, and starts nothing', async () => {
    await install()

    expect(await machine.run('kontrol', '--version')).toMatch(/^\d+\.\d+\.\d+\n$/)
    expect(await machine.run('automaton', '--help')).toContain('Usage: automaton <manifest>')
    const page = gunzipSync(await readFile(join(machine.folder, 'usr/share/man/man1/kontrol.1.gz'))).toString()
    for (const name of Object.keys(commands)) expect(page).toContain(`.SS kontrol ${name}`)
    for (const unit of ['kontrol', 'kontrol-slave']) {
      expect(await machine.shell(`systemctl is-enabled ${unit}; systemctl is-active ${unit}`)).toBe(
        'disabled\ninactive\n'
      )
    }
  })

  it('serves a request with the settings that it comes with', async () => {
    await machine.run('systemctl', 'enable', '--now', 'kontrol', 'kontrol-slave')

    web = await machine.connect(PROXY, 80)
    const { answers } = await eventually(async () => {
      const round = await sendTraffic(web, { requests: 4 })
      return round.failures.length === 0 ? round : undefined
    }, 2 * MINUTE)
    expect(answers).toEqual(new Map([['web', 4]]))
    // As a user without rights, which may bind port 80 all the same.
    expect(await haproxyMasters()).toHaveLength(1)
  })

  it('loses no request when its control tier is restarted, which keeps its HAProxy', async () => {
    await eventually(complete, 2 * MINUTE)
    const [haproxy, control] = [await haproxyMasters(), await mainPid('kontrol')]

    const { answers, failures } = await whileServing(async () => {
      await machine.run('systemctl', 'restart', 'kontrol')
      await eventually(async () => (await mainPid('kontrol')) !== control && (await complete()), 2 * MINUTE)
    })

    expect(failures).toEqual([])
    expect(answers.get('web')).toBeGreaterThan(0)
    expect(await haproxyMasters()).toEqual(haproxy)
  })

  it('loses no request when it is upgraded, which restarts the slave as well', async () => {
    // The slave says goodbye: somebody else has to serve meanwhile.
    const words = [PROXY, '--app', 'web', '--role', 'server', '--id', 'web-2', '--ip', OTHER, '--every', '5']
    await machine.run('systemd-run', '--unit=other', 'kontrol', 'ping', ...words)
    await eventually(
      async () => (await machine.run('kontrol', 'servers')).includes(OTHER) && (await complete()),
      2 * MINUTE
    )
    const [haproxy, control] = [await haproxyMasters(), await mainPid('kontrol')]

    const { answers, failures } = await whileServing(async () => {
      await install()
      await eventually(async () => (await mainPid('kontrol')) !== control && (await complete()), 2 * MINUTE)
    })

    expect(failures).toEqual([])
    expect(answers.get('web')).toBeGreaterThan(0)
    expect(await haproxyMasters()).toEqual(haproxy)
    await machine.run('systemctl', 'stop', 'other')
  })

  it('leaves nothing running when it is removed, and its settings and data', async () => {
    await machine.run('dpkg', '-r', 'kontrol-haproxy')

    expect(await processes()).toEqual([])
    expect(await machine.listeningPorts()).toEqual([8080])
    expect(await machine.shell('command -v kontrol; systemctl is-active kontrol kontrol-slave')).toBe(
      'inactive\ninactive\n'
    )
    const left = (await filesOf(machine.folder)).filter((path) => !before.includes(path))
    expect(left).toContain('etc/default/kontrol')
    expect(left).toContain('var/lib/kontrol/haproxy/last-good.cfg')
    expect(left.filter((path) => !/^(etc\/(default|kontrol)|var\/lib\/(private\/)?kontrol)/.test(path))).toEqual([])
  })

  it('leaves nothing at all when it is purged', async () => {
    await machine.run('dpkg', '-P', 'kontrol-haproxy')

    expect(await filesOf(machine.folder)).toEqual(before)
    expect(await machine.shell('getent passwd kontrol; getent group kontrol')).toBe('')
  })
})
