import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { exchange } from '../../../src/haproxy/socket/exchange.ts'
import { eventually } from '../eventually.ts'
import { tempDir } from '../temp-dir.ts'

export interface BareHaproxy extends AsyncDisposable {
  pid: number | undefined
  /** Says a line to its runtime API. */
  say(line: string): Promise<string>
}

/** A HAProxy that nobody drives: what others do is measured with it. */
export async function startBareHaproxy(config: string): Promise<BareHaproxy> {
  const dir = await tempDir()
  const socket = dir.file('admin.sock')
  await writeFile(dir.file('a.cfg'), `global\n  stats socket ${socket} level admin\n${config}`)
  const child = spawn('haproxy', ['-db', '-f', dir.file('a.cfg')], { stdio: 'ignore' })
  const exited = once(child, 'exit')
  await eventually(async () => await exchange(socket, 'show info'), 60_000)
  return {
    pid: child.pid,
    say: async (line) => await exchange(socket, line),
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM')
      await exited
      await dir[Symbol.asyncDispose]()
    }
  }
}
