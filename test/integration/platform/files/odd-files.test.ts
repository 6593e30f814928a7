import { execFileSync } from 'node:child_process'
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { describe, expect, it } from 'vitest'
import { migrateDataFolder } from '../../../../src/bootstrap/data-format.ts'
import { checkStateFiles } from '../../../../src/bootstrap/state-files.ts'
import { credentialsOf } from '../../../../src/cli/credentials.ts'
import { hadServers } from '../../../../src/haproxy/files/had-servers.ts'
import { haproxyPaths } from '../../../../src/haproxy/files/paths.ts'
import { readWorkerRecord } from '../../../../src/haproxy/files/worker-record.ts'
import { ChangeJournal } from '../../../../src/haproxy/servers/change-journal.ts'
import { ServerTable } from '../../../../src/haproxy/servers/server-table.ts'
import { DownwardFiles } from '../../../../src/kubernetes/downward-files.ts'
import { KubernetesApi } from '../../../../src/kubernetes/kubernetes-api.ts'
import { readManifest } from '../../../../src/lifecycle/manifest/manifest.ts'
import { systemClock } from '../../../../src/platform/clock.ts'
import type { Logger } from '../../../../src/platform/logger.ts'
import { EtcdGateway } from '../../../../src/registry/etcd/gateway.ts'
import { HostsFile } from '../../../../src/render/hosts-file.ts'
import { PayloadFile } from '../../../../src/slave/payload-file.ts'
import { HistoryFile } from '../../../../src/steps/history-file.ts'
import { tempDir, type TempDir } from '../../../support/temp-dir.ts'
import { silentLogger } from '../../../support/test-logger.ts'

const odd: Record<string, (path: string) => unknown> = {
  'a FIFO': (path) => execFileSync('mkfifo', [path]),
  'a folder': (path) => mkdir(path),
  'an endless device': (path) => symlink('/dev/zero', path)
}

/** As Kubernetes mounts it: a link into a folder that is exchanged as a whole. */
async function mount(dir: TempDir, name: string, content: string): Promise<void> {
  await mkdir(dir.file('..2026_11_29'), { recursive: true })
  await writeFile(dir.file(`..2026_11_29/${name}`), content)
  await symlink('..2026_11_29', dir.file('..data')).catch(() => {})
  await symlink(`..data/${name}`, dir.file(name))
}

interface Reader {
  /** The file that lies there. */
  file: string
  /** What it holds when it is one, and what is read of it then. */
  good: string
  gives: unknown
  /** What is gone on with where it is none; an error when absent. */
  instead?: unknown
  read: (dir: TempDir, logger: Logger) => unknown
}

/** A slave's payload, as of the first look. */
async function payloadOf(dir: TempDir, logger: Logger): Promise<unknown> {
  const file = new PayloadFile({ path: dir.file('f'), clock: systemClock, logger })
  await file.watch(() => {})
  file.stop()
  return file.payload
}

/** What its files make of it before anybody is asked: the port is nobody's. */
async function kubernetes(dir: TempDir): Promise<unknown> {
  const api = new KubernetesApi({ host: '127.0.0.1', port: 1, serviceAccount: dir.path, timeoutMs: 1000 })
  await writeFile(dir.file('ca.crt'), '')
  return await api.get('/', 'a rule').catch((error: unknown) => (error as { code: string }).code)
}

const readers: Record<string, Reader> = {
  'labels of the downward API': {
    file: 'labels',
    good: 'a="b"\n',
    gives: { KONTROL_LABELS: '{"a":"b"}' },
    read: (dir, logger) => new DownwardFiles({ clock: systemClock, logger, folder: dir.path }).discover()
  },
  'the token of a service account': {
    file: 'token',
    good: 'x',
    gives: 'KTL_KUBERNETES_UNAVAILABLE',
    read: async (dir) => {
      const code = await kubernetes(dir)
      if (code === 'KTL_KUBERNETES_UNAUTHORIZED') throw new Error(code)
      return code
    }
  },
  'the authority of etcd': {
    file: 'f',
    good: 'PEM',
    gives: undefined,
    read: async (dir) => (await EtcdGateway.create('https://127.0.0.1:1', { ca: dir.file('f') })).close()
  },
  'a certificate of the command line': {
    file: 'f',
    good: 'PEM',
    gives: 'PEM',
    read: (dir) => credentialsOf({ KONTROL_TLS_CERT: dir.file('f'), KONTROL_TLS_KEY: dir.file('f') }).tls?.cert
  },
  'the manifest': {
    file: 'f',
    good: 'initial: a\nterminal: b\nstates:\n  - tag: a\n    next: [b]\n  - tag: b\n',
    gives: 'a',
    read: async (dir) => (await readManifest(dir.file('f'), [])).manifest.initial
  },
  'the payload': { file: 'f', good: '{"a":1}', gives: { a: 1 }, instead: '', read: payloadOf },
  hosts: {
    file: 'f',
    good: '{"web":["10.0.0.1"]}',
    gives: 1,
    instead: 0,
    read: (dir, logger) => new HostsFile(dir.file('f'), logger).hosts().size
  },
  reconfigurations: {
    file: 'f',
    good: '',
    gives: 0,
    instead: 0,
    read: (dir, logger) => {
      const history = new HistoryFile(dir.file('f'), logger)
      const found = history.read().length
      history.append({} as never)
      history.close()
      return found
    }
  },
  'the record of the worker': {
    file: 'f',
    good: '{"workerPid":1}',
    gives: { workerPid: 1 },
    instead: undefined,
    read: (dir) => readWorkerRecord(dir.file('f'))
  },
  'changes of servers': {
    file: 'f',
    good: '{"worker":7}\n',
    gives: 0,
    instead: undefined,
    read: (dir, logger) => new ChangeJournal(dir.file('f'), logger).replay(7, new ServerTable())
  },
  'the last good configuration': {
    file: 'haproxy/last-good.cfg',
    good: 'backend b\n  server s 10.0.0.1:80\n',
    gives: true,
    read: (dir) => hadServers(haproxyPaths(dir.path))
  },
  'the format of the data': {
    file: 'format.json',
    good: '{"format":1}\n',
    gives: '{"format":1}\n',
    instead: '{"format":1}\n',
    // In the order of a start.
    read: async (dir, logger) => {
      await checkStateFiles(dir.path, logger)
      await migrateDataFolder(dir.path, logger)
      return await readFile(dir.file('format.json'), 'utf8')
    }
  }
}

describe('each file that is read', () => {
  it.each(Object.entries(readers))(
    '%s: through a link it is read, and what is none is refused at once',
    async (_, reader) => {
      const { file, good, gives, read } = reader
      await using mounted = await tempDir()
      if (file.includes('/')) {
        await mkdir(dirname(mounted.file(file)))
        await writeFile(mounted.file(file), good)
      } else await mount(mounted, file, good)
      expect(await read(mounted, silentLogger())).toEqual(gives)

      for (const [kind, make] of Object.entries(odd)) {
        await using dir = await tempDir()
        await mkdir(dirname(dir.file(file)), { recursive: true })
        await make(dir.file(file))
        const startedAt = performance.now()
        const found = await Promise.resolve()
          .then(() => read(dir, silentLogger()))
          .catch((error: unknown) => error)

        if ('instead' in reader) expect(found, kind).toEqual(reader.instead)
        else expect(found, kind).toBeInstanceOf(Error)
        expect(performance.now() - startedAt, kind).toBeLessThan(5000)
      }
    }
  )
})
