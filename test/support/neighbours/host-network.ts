import { randomInt } from 'node:crypto'
import { runSubprocess } from '../../../src/platform/process/subprocess.ts'
import { command } from '../service/command.ts'

/** Where hosts find what the test runs beside them. */
export const SWITCH = '198.18.7.254'

export interface HostNetwork extends AsyncDisposable {
  /** Words before a program that runs at the switch, and reaches every host. */
  readonly prefix: readonly string[]
  /** A network of its own with this address, joined to the others; answers the words before a program of that host. */
  addHost(address: string): Promise<readonly string[]>
  /** What a program at the switch prints; undefined when it fails. */
  ask(words: readonly string[], input?: string): Promise<string | undefined>
}

/** A switch, and hosts of their own at it. */
export async function hostNetwork(): Promise<HostNetwork> {
  const id = randomInt(1_000_000)
  const middle = `kontrol-${id}`
  const names = [middle]
  const ip = (...words: string[]): Promise<string> => command('ip', words)
  await ip('netns', 'add', middle)
  await ip('-n', middle, 'link', 'set', 'lo', 'up')
  await ip('-n', middle, 'link', 'add', 'br0', 'type', 'bridge')
  await ip('-n', middle, 'addr', 'add', `${SWITCH}/24`, 'dev', 'br0')
  await ip('-n', middle, 'link', 'set', 'br0', 'up')
  const prefix = ['netns', 'exec', middle]
  return {
    prefix: ['ip', ...prefix],
    async addHost(address) {
      const port = `host${names.length}`
      const name = `${middle}-${names.length}`
      await ip('netns', 'add', name)
      names.push(name)
      await ip('-n', middle, 'link', 'add', port, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name)
      await ip('-n', middle, 'link', 'set', port, 'master', 'br0', 'up')
      await ip('-n', name, 'addr', 'add', `${address}/24`, 'dev', 'eth0')
      for (const device of ['lo', 'eth0']) await ip('-n', name, 'link', 'set', device, 'up')
      return ['ip', 'netns', 'exec', name]
    },
    async ask(words, input) {
      const options = { timeoutMs: 20_000, ...(input !== undefined && { input }) }
      const { code, stdout } = await runSubprocess('ip', [...prefix, ...words], options)
      return code === 0 ? stdout : undefined
    },
    async [Symbol.asyncDispose]() {
      for (const name of names.reverse()) await ip('netns', 'del', name)
    }
  }
}
