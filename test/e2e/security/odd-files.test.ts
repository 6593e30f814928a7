import { execFileSync } from 'node:child_process'
import { mkdir, rm, symlink, truncate, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { eventually } from '../../support/eventually.ts'
import { startBackend } from '../../support/haproxy/start-backend.ts'
import { freePort } from '../../support/free-port.ts'
import { createService, startService, type RunningService } from '../../support/service/start-service.ts'

/** What may lie where a file should be. */
const kinds: Record<string, (path: string) => unknown> = {
  'a FIFO': (path) => execFileSync('mkfifo', [path]),
  'a folder': (path) => mkdir(path),
  'a link to a device': (path) => symlink('/dev/zero', path),
  // Sparse: it takes no space.
  'a file of a terabyte': async (path) => {
    await writeFile(path, '')
    await truncate(path, 2 ** 40)
  }
}

const STATE_FILES = [
  ...['format.json', 'hosts.json', 'history.jsonl', 'history.jsonl.1', 'events.jsonl', 'events.jsonl.1'],
  ...['base.cfg', 'peers.cfg', 'haproxy.cfg', 'candidate.cfg', 'candidate-base.cfg', 'last-good.cfg'].map(inHaproxy),
  ...['applied.json', 'loaded.cfg', 'changes.jsonl', 'server-state'].map(inHaproxy)
]
/** Those that are set aside as a whole folder, and those that nobody reads. */
const OTHER_FILES = [
  ...['data.mdb', 'lock.mdb'].map((name) => `registry/${name}`),
  inHaproxy('haproxy.log'),
  'state.json'
]

function inHaproxy(name: string): string {
  return `haproxy/${name}`
}

async function replaceAll(
  service: RunningService,
  files: readonly string[],
  make: (path: string) => unknown
): Promise<void> {
  for (const path of files.map((name) => join(service.data, name))) {
    await rm(path, { recursive: true, force: true })
    await mkdir(dirname(path), { recursive: true })
    await make(path)
  }
}

describe('where files of an earlier run should be', () => {
  it.each(Object.entries(kinds))('%s in each place: it starts, says so, and serves', async (kind, make) => {
    const [port, backendPort] = [await freePort(), await freePort()]
    await using backend = await startBackend('127.0.0.1', backendPort)
    const template = `frontend f\n  bind 127.0.0.1:${port}\n  mode http\n  default_backend b\nbackend b\n  mode http\n{% for ip in hosts.web %}  server s{{ loop.index }} {{ ip }}:${backendPort}\n{% endfor %}`
    const annotations = { 'haproxy.unity3d.com/config': template, 'kontrol.unity3d.com/master': '127.0.0.1' }
    const env = { KONTROL_MODE: 'master,slave', KONTROL_TTL: '600', KONTROL_ANNOTATIONS: JSON.stringify(annotations) }
    await using service = await startService({ env })
    await service.ready()
    await service.ping('127.0.0.1')
    expect(await service.kill('SIGKILL')).toBe(null)

    await replaceAll(service, STATE_FILES, make)
    // A large file of theirs is what LMDB or a log may have.
    if (kind === 'a FIFO') await replaceAll(service, OTHER_FILES, make)
    service.forgetOutput()
    await service.start()
    for (const name of STATE_FILES) {
      expect(service.output).toMatch(new RegExp(`"path":"[^"]*/${name.replaceAll('.', '\\.')}".*state file set aside`))
    }
    if (kind === 'a FIFO') {
      expect(service.output).toContain('registry set aside')
      await eventually(() => service.output.includes('payload file is no regular file'))
    }
    expect(await service.ping('127.0.0.1')).toBe(200)
    await service.ready()
    await eventually(async () => {
      const answer = await fetch(`http://127.0.0.1:${port}/`)
      return answer.status === 200 && (await answer.text()) === backend.ip
    })
  })
})

describe('files that somebody else gives', () => {
  /** By the variable that names each; what it needs besides. */
  const given: [variable: string, more: NodeJS.ProcessEnv, told: RegExp][] = [
    ['KONTROL_CONFIG_FILE', {}, /cannot be read: .*no regular file/],
    ['KONTROL_LIFECYCLE', {}, /Cannot read the lifecycle manifest .*no regular file/],
    ['KONTROL_TOKEN_FILE', {}, /must name a readable file .*no regular file/]
  ]

  it.each(given)('%s: a FIFO, a folder or a device is refused at once, and named', async (variable, more, told) => {
    for (const [kind, make] of Object.entries(kinds).slice(0, 3)) {
      await using service = await createService({ template: '# nothing', env: more })
      const path = join(service.data, 'given')
      await make(path)
      service.setEnvironment({
        [variable]: path,
        ...(variable === 'KONTROL_CONFIG_FILE' && { KONTROL_ANNOTATIONS: '{}' })
      })
      service.spawn()

      await eventually(() => told.test(service.output)).catch((cause: unknown) => {
        throw new Error(`${kind}: ${service.output}`, { cause })
      })
    }
  })
})
