import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { Automaton } from '../../../src/lifecycle/automaton.ts'
import { CommandSocket } from '../../../src/lifecycle/command-socket.ts'
import { parseManifest } from '../../../src/lifecycle/manifest/manifest.ts'
import { factsOf } from '../../../src/lifecycle/manifest/reachable-states.ts'
import { systemClock } from '../../../src/platform/clock.ts'
import type { Logger } from '../../../src/platform/logger.ts'
import { tempDir } from '../temp-dir.ts'
import { silentLogger } from '../test-logger.ts'

export interface RunningAutomaton extends AsyncDisposable {
  automaton: Automaton
  socketPath: string
  /** Path of a file that scripts find under `$DIR`. */
  file(name: string): string
  /** Sends a command by socat, as Kontrol's callbacks do. */
  socat(command: string): Promise<string>
}

export interface AutomatonSetUp {
  env?: NodeJS.ProcessEnv
  killGraceMs?: number
  idleMs?: number
  logger?: Logger
}

/** An automaton with its command socket, in a folder that goes away with it. */
export async function startAutomaton(manifest: string, setUp: AutomatonSetUp = {}): Promise<RunningAutomaton> {
  const { env = {}, killGraceMs = 10_000, idleMs = 10_000, logger = silentLogger() } = setUp
  const dir = await tempDir()
  const socketPath = dir.file('sock')
  const parsed = parseManifest(manifest).manifest
  const automaton = new Automaton({
    manifest: parsed,
    actions: {},
    socketPath,
    logger,
    clock: systemClock,
    env: { ...process.env, DIR: dir.path, ...env },
    killGraceMs
  })
  const socket = new CommandSocket({ path: socketPath, machine: automaton, facts: factsOf(parsed), logger, idleMs })
  await socket.listen()
  automaton.start()
  return {
    automaton,
    socketPath,
    file: (name) => dir.file(name),
    socat: (command) => socat(socketPath, command),
    async [Symbol.asyncDispose]() {
      await automaton.stop()
      await socket.close()
      await dir[Symbol.asyncDispose]()
    }
  }
}

/** Sends a command and its line break, and waits up to a minute for the answer. */
export async function socat(socketPath: string, command: string): Promise<string> {
  const child = spawn('socat', ['-t', '60', '-', `UNIX-CONNECT:${socketPath}`], { stdio: ['pipe', 'pipe', 'inherit'] })
  const ended = once(child, 'close')
  child.stdin.on('error', () => {})
  child.stdin.end(`${command}\n`)
  const answer = await text(child.stdout)
  await ended
  return answer
}
