import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { eventually } from '../eventually.ts'
import { socat } from './start-automaton.ts'
import { tempDir } from '../temp-dir.ts'

const entry = join(import.meta.dirname, '../../../dist/automaton.js')

interface ProcessSetUp {
  args?: string[]
  env?: NodeJS.ProcessEnv
  /** Words before the program, such as `unshare --pid …`. */
  prefix?: readonly string[]
  /** Where it listens; in its own folder when absent. */
  socketPath?: string
}

export interface AutomatonProcess extends AsyncDisposable {
  socketPath: string
  /** Path of a file in the folder that is the working folder of the process, and `$DIR` of its scripts. */
  file(name: string): string
  /** Sends a command by socat. */
  socat(command: string): Promise<string>
  /** Lines of the log so far, parsed. */
  log(): Record<string, unknown>[]
  stderr(): string
  kill(signal: NodeJS.Signals): void
  /** Exit code, or the signal that ended it. */
  ended: Promise<number | NodeJS.Signals>
}

/** Runs `automaton lifecycle.yml -s sock -d` as a process, and waits until it listens or has ended. */
export async function startAutomatonProcess(
  manifest: string,
  { args = ['-d'], env = {}, prefix = [], socketPath = 'sock' }: ProcessSetUp = {}
): Promise<AutomatonProcess> {
  const dir = await tempDir()
  await writeFile(dir.file('lifecycle.yml'), manifest)
  const [program = '', ...words] = [...prefix, process.execPath, entry, 'lifecycle.yml', '-s', socketPath, ...args]
  const child = spawn(program, words, {
    cwd: dir.path,
    env: { ...process.env, DIR: dir.path, ...env },
    stdio: ['ignore', 'pipe', 'pipe']
  })
  const stdout = collected(child.stdout)
  const stderr = collected(child.stderr)
  const ended = untilEnd(child)
  const path = resolve(dir.path, socketPath)
  await eventually(() => stdout().includes('command socket open') || child.exitCode !== null)
  return {
    socketPath: path,
    file: (name) => dir.file(name),
    socat: (command) => socat(path, command),
    log: () => parsed(stdout()),
    stderr,
    kill: (signal) => void child.kill(signal),
    ended,
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL')
      await ended
      await dir[Symbol.asyncDispose]()
    }
  }
}

async function untilEnd(child: ChildProcess): Promise<number | NodeJS.Signals> {
  const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals]
  return code ?? signal
}

function collected(stream: NodeJS.ReadableStream): () => string {
  const chunks: Buffer[] = []
  stream.on('data', (chunk: Buffer) => chunks.push(chunk))
  return () => Buffer.concat(chunks).toString('utf8')
}

const parsed = (text: string): Record<string, unknown>[] =>
  text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Record<string, unknown>)
