import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { runSubprocess, type SubprocessResult } from '../../../src/platform/process/subprocess.ts'
import { eventually } from '../eventually.ts'
import { tempDir } from '../temp-dir.ts'

const root = join(import.meta.dirname, '../../..')

/** Names that the pages use for a control tier elsewhere. */
const HOSTS = '127.0.0.1 localhost haproxy.default.svc control-tier\n'

/**
 * No pod expires meanwhile; and `npm run` leaves out what would install and build: the tests have that behind them, and there is
 * no network to do it again.
 */
const STARTED = { KONTROL_TTL: '600', npm_config_ignore_scripts: 'true' }

export interface OwnMachine extends AsyncDisposable {
  /** Where commands are run. */
  readonly folder: string
  readonly data: string
  /** Runs a script to its end. */
  run(script: string, env?: NodeJS.ProcessEnv): Promise<SubprocessResult>
  /** Starts what goes on until the machine ends, from the project's folder. */
  start(script: string): { output(): string }
}

/**
 * A network, host names and processes of their own, so that commands run as they stand: port 8000 and `kontrol` are there,
 * and nobody else is. Whatever runs in it ends with it.
 */
export async function ownMachine(): Promise<OwnMachine> {
  const dir = await tempDir()
  const [data, bin] = [dir.file('data'), dir.file('bin')]
  await mkdir(bin)
  await writeFile(join(bin, 'kontrol'), `#!/bin/sh\nexec '${process.execPath}' '${root}/dist/main.js' "$@"\n`, {
    mode: 0o755
  })
  await writeFile(dir.file('hosts'), HOSTS)
  const setUp = `ip link set lo up; mount --bind '${dir.file('hosts')}' /etc/hosts; echo vm > /proc/sys/kernel/hostname`
  const namespaces = ['--mount', '--net', '--uts', '--pid', '--fork', '--mount-proc', '--kill-child']
  const script = `set -e; ${setUp}; echo up; exec sleep infinity`
  const keeper = spawn('unshare', [...namespaces, 'sh', '-c', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(keeper.stdout, 'data')
  const inside = await eventually(async () =>
    (await readFile(`/proc/${keeper.pid}/task/${keeper.pid}/children`, 'utf8')).trim()
  )
  // Whoever enters another machine stands in its root folder.
  const words = (text: string, folder: string): string[] => {
    const parts = ['--mount', '--net', '--uts', '--pid']
    return ['--target', inside, ...parts, 'bash', '--norc', '-euo', 'pipefail', '-c', `cd '${folder}'\n${text}`]
  }
  const own = {
    PATH: [bin, process.env.PATH].join(delimiter),
    HOME: dir.path,
    KONTROL_DATA: data,
    KONTROL_SOCKET: dir.file('sock')
  }
  return {
    folder: dir.path,
    data,
    run: async (text, env = {}) =>
      await runSubprocess('nsenter', words(text, dir.path), { env: { ...own, ...env }, timeoutMs: 60_000 }),
    start: (text) => {
      const child = spawn('nsenter', words(text, root), {
        env: { ...own, ...STARTED },
        stdio: ['ignore', 'pipe', 'pipe']
      })
      let output = ''
      for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += String(chunk)))
      return { output: () => output }
    },
    async [Symbol.asyncDispose]() {
      const exited = once(keeper, 'exit')
      keeper.kill('SIGKILL')
      await exited
      await dir[Symbol.asyncDispose]()
    }
  }
}
