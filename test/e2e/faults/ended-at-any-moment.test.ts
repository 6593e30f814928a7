import { once } from 'node:events'
import { mkdir, readdir, readFile, readlink, utimes, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { haproxyPaths, masterSocketArgument } from '../../../src/haproxy/files/paths.ts'
import { eventually } from '../../support/eventually.ts'
import { startHttpBackend } from '../../support/haproxy/http-backend.ts'
import { webTemplate } from '../../support/haproxy/sample-template.ts'
import { ownAddress } from '../../support/haproxy/start-haproxy.ts'
import { startLoad } from '../../support/load/steady-load.ts'
import { SeededRandom } from '../../support/seeded-random.ts'
import { lives } from '../../support/service/lives.ts'
import { createService, type RunningService } from '../../support/service/start-service.ts'
import { tempDir } from '../../support/temp-dir.ts'

/** Its loop takes a while to render, so that a rendering can be met. */
const template = (address: string, port: number, maxconn: number): string =>
  `{% for i in range(20000) %}{% endfor %}${webTemplate(address, port, maxconn)}`

/** HAProxy, whose checks can be met as well: they take a while, and say when they begin and end. */
const slowChecks = (log: string): string => `#!/bin/sh
case " $* " in
  *' -c '*) echo begun >> ${log}; sleep 0.3; haproxy "$@"; code=$?; echo ended >> ${log}; exit $code ;;
esac
exec haproxy "$@"
`

const MOMENTS = ['start', 'rendering', 'check', 'reload'] as const
/** Milliseconds from the sign of a moment within which it is met. */
const WITHIN = { start: 700, rendering: 150, check: 250, reload: 150 }
const ROUNDS = MOMENTS.flatMap((moment) => (['SIGTERM', 'SIGKILL'] as const).map((signal) => ({ moment, signal })))

/** Command lines of what was started in a folder, by whatever way, and lives; HAProxy, which is to stay, left out. */
async function leftOf(folder: string, data: string): Promise<string[]> {
  const kept = masterSocketArgument(haproxyPaths(data))
  const found = await Promise.all(
    (await readdir('/proc'))
      .filter((name) => /^\d+$/.test(name))
      .map(async (pid) => {
        const place = await readlink(`/proc/${pid}/cwd`).catch(() => undefined)
        const words = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
        return place === folder && lives(Number(pid)) && !words.split('\0').includes(kept) ? [words] : []
      })
  )
  return found.flat()
}

async function unfinishedIn(data: string): Promise<string[]> {
  const names = await readdir(data, { recursive: true })
  return names.filter((name) => /(?:^|\/)\.[^/]+$|\.(?:new|tmp)$/.test(name))
}

/** A reader finds whole files, whenever the writer ended. */
async function filesAreWhole(data: string): Promise<void> {
  const { folder, lastGood } = haproxyPaths(data)
  for (const place of [data, folder]) {
    const names = (await readdir(place)).filter((name) => /^[^.].*\.json$/.test(name))
    for (const name of names) JSON.parse(await readFile(join(place, name), 'utf8'))
  }
  expect(await readFile(lastGood, 'utf8')).toContain('frontend proxy')
}

/** What HAProxy runs is what was wanted. */
async function isRight(service: RunningService, maxconn: number): Promise<void> {
  await service.ready()
  await eventually(async () => {
    const { body } = await service.get('/api/v1/config')
    return body.includes(`maxconn ${maxconn}\n`) && [...body.matchAll(/^ {2}server /gm)].length === 2
  }, 30_000)
}

it('a control tier that ends or is killed at any moment leaves HAProxy serving and no process and no half file behind', async () => {
  const random = new SeededRandom(13)
  const address = ownAddress()
  await using place = await tempDir()
  await using one = await startHttpBackend('one', '127.0.0.1')
  await using two = await startHttpBackend('two', '127.0.0.2', one.port)
  await using service = await createService()
  const file = place.file('template')
  const haproxy = place.file('haproxy')
  const checks = place.file('checks')
  const tmp = place.file('tmp')
  await mkdir(tmp)
  await writeFile(haproxy, slowChecks(checks), { mode: 0o755 })
  await writeFile(checks, '')
  service.setPrefix(['env', '-C', place.path])
  service.setEnvironment({
    TMPDIR: tmp,
    KONTROL_CONFIG_FILE: file,
    KONTROL_HAPROXY: haproxy,
    KONTROL_RELOAD_INTERVAL: '0',
    KONTROL_DAMPER: '0',
    // Under way whatever the moment, with a child of its own.
    KONTROL_SHELL_CALLBACK: 'TRUE',
    KONTROL_CALLBACK: `echo begun >> ${place.file('callbacks')}; sleep 600 | cat`
  })
  let maxconn = 1_000
  await writeFile(file, template(address, one.port, maxconn))
  await service.start()
  await service.ping(one.host)
  await service.ping(two.host)
  await isRight(service, maxconn)
  await eventually(() => readFile(place.file('callbacks'), 'utf8'))
  await using load = startLoad(address, 8080, { pauseMs: 20 })
  await service.kill('SIGKILL')

  const checked = async (state: string) =>
    (await readFile(checks, 'utf8')).split('\n').filter((line) => line === state).length
  /** Has a new text loaded, until its check has come to that. */
  async function edit(state: string): Promise<void> {
    await service.start()
    await isRight(service, maxconn)
    const before = await checked(state)
    await writeFile(file, template(address, one.port, ++maxconn))
    await eventually(async () => (await checked(state)) > before)
  }
  const signs = {
    start: async () => void (await once(service.spawn().stdout as NodeJS.ReadableStream, 'data')),
    async rendering() {
      await service.start()
      await isRight(service, maxconn)
      const { status } = await service.send('POST', '/api/v1/lifecycle/transitions', '{"state":"render"}')
      expect(status).toBe(202)
    },
    check: async () => await edit('begun'),
    reload: async () => await edit('ended')
  }

  for (const { moment, signal } of ROUNDS) {
    const round = `${signal}, ${moment}`
    await signs[moment]()
    await sleep(random.below(WITHIN[moment]))
    const code = await service.kill(signal)

    if (signal === 'SIGTERM') expect(code, `${round}\n${service.output}`).toBe(0)
    await eventually(async () => {
      expect(await leftOf(place.path, service.data), round).toEqual([])
      // A worker that starts has a socket of such a name for a moment.
      if (signal === 'SIGTERM') expect(await unfinishedIn(service.data), round).toEqual([])
      return true
    })
    expect(await readdir(tmp), round).toEqual([])
    await filesAreWhole(service.data)
    service.forgetOutput()
  }

  const long = new Date(Date.now() - 60_000)
  for (const path of [join(service.data, 'hosts.json'), haproxyPaths(service.data).config]) {
    const unfinished = join(dirname(path), `.${path.split('/').at(-1)}.0123456789ab`)
    await writeFile(unfinished, '')
    await utimes(unfinished, long, long)
  }
  await service.start()
  await isRight(service, maxconn)
  await eventually(async () => {
    expect(await unfinishedIn(service.data)).toEqual([])
    return true
  })
  expect(load.failures).toEqual([])
  expect(load.served()).toBeGreaterThan(100)
}, 480_000)
