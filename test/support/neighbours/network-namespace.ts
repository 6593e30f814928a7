import { spawn, type ChildProcess } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { Agent, type Dispatcher } from 'undici'
import { command } from '../service/command.ts'
import { eventually } from '../eventually.ts'
import { tempDir } from '../temp-dir.ts'

/** Of the namespace; whoever connects from one of them to another comes from the network, not from loopback. */
export const HERE = '198.18.0.1'
export const STRANGER = '198.18.0.2'
export const PROXY = '198.18.0.3'

export interface NetworkNamespace extends AsyncDisposable {
  /** Words before a program that shall run in it. */
  readonly prefix: readonly string[]
  /** Connects from one address to a port of another, whatever the URL of a request says. */
  dispatcher(way: Way): Promise<Dispatcher>
  /** Path of a unix socket that is such a connection, for other protocols than HTTP. */
  bridge(way: Way): Promise<string>
  /** Lets those in it reach a port of loopback outside, by the same number. */
  reach(port: number): Promise<void>
  /** Starts a program in it, which ends with it. */
  start(...words: string[]): ChildProcess
}

interface Way {
  from: string
  to: string
  port: number
}

/** A network of its own with a few addresses, so that a test may be somebody from elsewhere without leaving the machine. */
export async function networkNamespace(): Promise<NetworkNamespace> {
  const name = `kontrol-${randomInt(1_000_000)}`
  await command('ip', ['netns', 'add', name])
  const prefix = ['ip', 'netns', 'exec', name]
  const dir = await tempDir()
  const closers: (() => unknown)[] = []
  await command('ip', ['-n', name, 'link', 'set', 'lo', 'up'])
  for (const address of [HERE, STRANGER, PROXY]) {
    await command('ip', ['-n', name, 'addr', 'add', `${address}/32`, 'dev', 'lo'])
  }
  let bridges = 0
  const start = (...words: string[]): ChildProcess => {
    const child = spawn('ip', [...prefix.slice(1), ...words], { stdio: 'ignore' })
    const ended = once(child, 'exit')
    closers.push(async () => {
      child.kill('SIGTERM')
      await ended
    })
    return child
  }
  const bridge = async ({ from, to, port }: Way): Promise<string> => {
    const path = dir.file(`b${++bridges}`)
    const { pid } = start('socat', `UNIX-LISTEN:${path},fork,backlog=512`, `TCP4:${to}:${port},bind=${from}`)
    await eventually(() => listensAt(path, pid))
    return path
  }
  return {
    prefix,
    bridge,
    start,
    async reach(port) {
      const path = dir.file(`r${port}`)
      const outside = createServer((socket) => {
        const there = connect(port, '127.0.0.1')
        for (const [one, other] of [
          [socket, there],
          [there, socket]
        ] as const) {
          one.on('error', () => other.destroy()).pipe(other)
        }
      })
      outside.listen(path)
      await once(outside, 'listening')
      closers.push(() => outside.close())
      start('socat', `TCP4-LISTEN:${port},bind=127.0.0.1,fork,reuseaddr`, `UNIX-CONNECT:${path}`)
    },
    async dispatcher(way) {
      const agent = new Agent({ connect: { socketPath: await bridge(way) } })
      closers.push(() => agent.destroy())
      return agent
    },
    async [Symbol.asyncDispose]() {
      for (const close of closers.reverse()) await close()
      await command('ip', ['netns', 'del', name])
      await dir[Symbol.asyncDispose]()
    }
  }
}

const ACCEPTS_CONNECTIONS = '00010000'

/** Whether somebody in the network of a process listens there: the file is there a moment before that. */
async function listensAt(path: string, pid: number | undefined): Promise<boolean> {
  // "0000000000000000: 00000002 00000000 00010000 0001 01 12345 /tmp/b1"
  const lines = (await readFile(`/proc/${pid}/net/unix`, 'utf8')).split('\n')
  return lines.some((line) => {
    const [, , , flags, , , , where] = line.split(/ +/)
    return where === path && flags === ACCEPTS_CONNECTIONS
  })
}
