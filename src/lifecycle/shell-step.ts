import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { StringDecoder } from 'node:string_decoder'
import { setTimeout as sleep } from 'node:timers/promises'
import { maskValues } from '../model/masking.ts'
import { inheritedEnvironment, secretValues } from '../platform/process/inherited-environment.ts'
import { defaultShell, type Shell } from '../platform/process/shell.ts'
import type { Logger } from '../platform/logger.ts'
import { variableIfItFits } from '../platform/process/script-input.ts'
import { groupGone, signalGroup } from '../platform/process/process-group.ts'

export interface ShellStep {
  script: string
  input: string
  /** Environment of the script, without INPUT. */
  env: NodeJS.ProcessEnv
  /** Aborting ends the script and all that it started: SIGTERM, and SIGKILL after `graceMs`. */
  signal: AbortSignal
  graceMs: number
  /** The usual one when absent. */
  shell?: Shell
  /** Gets each line of output at debug. */
  logger: Logger
}

export interface ShellResult {
  /** Null when a signal ended it. */
  code: number | null
  signal: NodeJS.Signals | null
}

/** How long output may come in after the script has ended, while something it left running holds the pipes. */
const DRAIN_MS = 250
/** How long SIGKILL may take on a busy machine. */
const AFTER_KILL_MS = 1_000

/**
 * Runs a script by its shell in a session and process group of its own, until
 * the shell has ended; what it left running in the background goes on.
 *
 * The script finds its input in `$INPUT`, and always in the file `$INPUT_FILE`
 * too: past 128 KiB the variable is left out, as no process could be started with it.
 */
export async function runShellStep(step: ShellStep): Promise<ShellResult> {
  const { script, input, env, signal, graceMs, shell: [program, ...words] = defaultShell, logger } = step
  const folder = await mkdtemp(join(tmpdir(), 'kontrol-step-'))
  try {
    const inputFile = join(folder, 'input')
    await writeFile(inputFile, input, { mode: 0o600 })
    const child = spawn(program, [...words, '-c', script], {
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...inheritedEnvironment(env), INPUT_FILE: inputFile, INPUT: variableIfItFits('INPUT', input) }
    })
    const secrets = secretValues(env)
    return await untilEnd(child, { signal, graceMs, logger: logger.child({ pid: child.pid }), secrets })
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function untilEnd(
  child: ChildProcess,
  {
    signal,
    graceMs,
    logger,
    secrets
  }: Pick<ShellStep, 'signal' | 'graceMs' | 'logger'> & { secrets: readonly string[] }
): Promise<ShellResult> {
  const exited = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>
  // A shell that cannot be started is reported by the first of the two.
  const drained = once(child, 'close').catch(() => {})
  logLines(child.stdout, logger, { stream: 'stdout', secrets })
  logLines(child.stderr, logger, { stream: 'stderr', secrets })

  let killTimer: NodeJS.Timeout | undefined
  const end = (): void => {
    signalGroup(child, 'SIGTERM')
    killTimer = setTimeout(() => {
      logger.warn({ graceMs }, 'step did not end on SIGTERM, killing it')
      signalGroup(child, 'SIGKILL')
    }, graceMs)
  }
  if (signal.aborted) end()
  else signal.addEventListener('abort', end, { once: true })
  // A process that ends at once, on a second signal, leaves no script behind.
  const abandon = (): void => void signalGroup(child, 'SIGKILL')
  process.once('exit', abandon)
  try {
    const [code, endedBy] = await exited
    // After a kill, the children of the shell may outlive it: the next state must not run beside them.
    if (signal.aborted) await groupGone(child, graceMs + AFTER_KILL_MS)
    await Promise.race([drained, sleep(DRAIN_MS)])
    return { code, signal: endedBy }
  } finally {
    clearTimeout(killTimer)
    process.off('exit', abandon)
    signal.removeEventListener('abort', end)
    letGo(child)
  }
}

/** What still holds the pipes must not keep this process from ending. */
function letGo({ stdout, stderr }: ChildProcess): void {
  for (const pipe of [stdout, stderr]) if (pipe instanceof Socket) pipe.unref()
}

/** A longer line is logged in pieces, so that output without line breaks cannot fill the memory. */
const MAX_LINE_LENGTH = 4096

interface Logged {
  stream: 'stdout' | 'stderr'
  /** Values that the step was given, and the log is not. */
  secrets: readonly string[]
}

/** Reads a stream to its end, whatever it holds, and logs its lines at debug. */
function logLines(from: NodeJS.ReadableStream | null, logger: Logger, { stream, secrets }: Logged): void {
  // Without file descriptors left, a child has no streams at all.
  if (!from) return
  if (!logger.isLevelEnabled('debug')) {
    from.resume()
    return
  }
  const decoder = new StringDecoder('utf8')
  let rest = ''
  const log = (line: string): void => logger.debug({ stream, line: maskValues(line, secrets) }, 'step output')
  from.on('data', (chunk: Buffer) => {
    const lines = (rest + decoder.write(chunk)).split('\n')
    rest = lines.pop() ?? ''
    lines.flatMap(pieces).forEach(log)
    if (rest.length > MAX_LINE_LENGTH) {
      const [full, last = ''] = [pieces(rest).slice(0, -1), pieces(rest).at(-1)]
      full.forEach(log)
      rest = last
    }
  })
  from.on('end', () => {
    rest += decoder.end()
    if (rest !== '') pieces(rest).forEach(log)
  })
}

function pieces(line: string): string[] {
  const count = Math.max(1, Math.ceil(line.length / MAX_LINE_LENGTH))
  return Array.from({ length: count }, (_, n) => line.slice(n * MAX_LINE_LENGTH, (n + 1) * MAX_LINE_LENGTH))
}
