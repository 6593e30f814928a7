import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

export interface Pinger extends AsyncDisposable {
  /** Milliseconds that each of those sent since the last look took. */
  waits(): Promise<number[]>
}

const NEVER = 1e9

/** Keepalives all the while, from a process of its own. */
export function startPinger(port: number, aSecond: number): Pinger {
  const program = join(import.meta.dirname, 'pinger.mjs')
  const child = spawn(process.execPath, [program, String(port), String(aSecond)], {
    stdio: ['pipe', 'pipe', 'inherit']
  })
  const exited = once(child, 'exit')
  const lines = createInterface({ input: child.stdout })
  return {
    async waits() {
      const said = once(lines, 'line') as Promise<[string]>
      child.stdin.write('tell\n')
      const [line] = await said
      const times = JSON.parse(line) as number[]
      const refused = times.filter((time) => time >= NEVER).length
      if (refused > 0) throw new Error(`${refused} of ${times.length} keepalives were not taken`)
      return times
    },
    async [Symbol.asyncDispose]() {
      child.stdin.end()
      await exited
    }
  }
}
