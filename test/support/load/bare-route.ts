import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

export interface BareRoute extends AsyncDisposable {
  pid: number | undefined
  url: string
}

/** A bare route in a process of its own: what there is to do for a keepalive before anything is done with it. */
export async function startBareRoute(prefix: readonly string[] = []): Promise<BareRoute> {
  const [command = process.execPath, ...args] = [...prefix, process.execPath]
  const child = spawn(command, [...args, join(import.meta.dirname, 'bare-route-process.mjs')], {
    stdio: ['ignore', 'pipe', 'inherit']
  })
  const exited = once(child, 'exit')
  const [port] = (await once(createInterface({ input: child.stdout }), 'line')) as [string]
  return {
    pid: child.pid,
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM')
      await exited
    }
  }
}
