import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { haproxyPaths, masterSocketArgument } from '../../../src/haproxy/files/paths.ts'
import { findMaster } from '../../../src/haproxy/process/process-table.ts'
import { SupervisordClient } from '../../../src/platform/process/supervisord-client.ts'
import { eventually } from '../eventually.ts'
import { tempDir, type TempDir } from '../temp-dir.ts'

export interface RunningSupervisord extends AsyncDisposable {
  dir: TempDir
  serverUrl: string
  client: SupervisordClient
  /** SIGTERM, as the container's runtime sends it. */
  terminate(): void
  exited: Promise<unknown>
}

const docker = fileURLToPath(new URL('../../../docker/', import.meta.url))

/**
 * A real supervisord, with the configuration of the image: its own settings,
 * the program files named here, and more programs as text.
 */
export async function startSupervisord(
  files: string[],
  { haproxy = 'haproxy', programs = '', path = process.env.PATH } = {}
) {
  const dir = await tempDir()
  const [run, data] = [dir.file('run'), dir.file('data')]
  await mkdir(run)
  await mkdir(`${data}/haproxy`, { recursive: true })
  await writeFile(dir.file('more.conf'), programs)
  const config = dir.file('supervisord.conf')
  const include = [...files.map((file) => `${docker}supervisor/${file}`), dir.file('more.conf')].join(' ')
  await writeFile(
    config,
    (await readFile(`${docker}supervisord.conf`, 'utf8')).replace(/^files=.*$/m, `files=${include}`)
  )

  const env = {
    ...process.env,
    PATH: path,
    KONTROL_RUN: run,
    KONTROL_DATA: data,
    KONTROL_HAPROXY: haproxy,
    KONTROL_DRAIN: '2'
  }
  const child = spawn('supervisord', ['-c', config], { env, stdio: 'ignore' })
  const exited = once(child, 'exit')
  const serverUrl = `unix://${run}/supervisor.sock`
  const client = new SupervisordClient(serverUrl)
  await eventually(async () => !(await client.shuttingDown()))

  const supervisord: RunningSupervisord = {
    dir,
    serverUrl,
    client,
    terminate: () => void child.kill('SIGTERM'),
    exited,
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM')
      await exited
      // Its HAProxy drains beyond its end, and is told apart by this folder.
      const socketArgument = masterSocketArgument(haproxyPaths(data))
      await eventually(async () => (await findMaster(socketArgument)) === undefined, 30_000)
      await dir[Symbol.asyncDispose]()
    }
  }
  return supervisord
}
