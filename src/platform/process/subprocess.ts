import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { Socket } from 'node:net'
import { constants, getPriority, setPriority } from 'node:os'
import type { Duplex, Readable, Writable } from 'node:stream'
import { setImmediate, setTimeout as sleep } from 'node:timers/promises'
import { inheritedEnvironment } from './inherited-environment.ts'
import { groupGone, signalGroup } from './process-group.ts'

export interface SubprocessOptions {
  /** This process's own when absent; secrets of ours are not handed on in either case. */
  env?: NodeJS.ProcessEnv
  cwd?: string
  /** Written to the standard input, which is then closed. */
  input?: string
  /** Milliseconds after which the process group is ended; no limit when absent. */
  timeoutMs?: number
  /** Milliseconds between SIGTERM and SIGKILL. */
  graceMs?: number
  /** Bytes kept of each stream; the rest is read and thrown away, so that the process never blocks on a full pipe. */
  maxOutputBytes?: number
  /** Ends the process group when aborted. */
  signal?: AbortSignal
  /** How much nicer than this process it is: the kernel lets others go first where processors are scarce. */
  niceness?: number
  /** Gets the other end of the process's descriptor 3, until it has ended. */
  leash?: (pipe: Duplex) => void
}

export interface SubprocessResult {
  /** Null when a signal ended it. */
  code: number | null
  signal: NodeJS.Signals | null
  stdout: string
  stderr: string
  /** Whether either stream was longer than `maxOutputBytes`. */
  truncated: boolean
  timedOut: boolean
}

const DEFAULT_GRACE_MS = 10_000
/** How long SIGKILL may take on a busy machine. */
const AFTER_KILL_MS = 1_000
const DEFAULT_MAX_OUTPUT_BYTES = 1024 * 1024
/** How long output may come in after the process has ended, while something it left running holds the pipes. */
const DRAIN_MS = 250

/**
 * Runs a program to its end, in a process group of its own, so that ending it
 * ends what it started as well; what it leaves running in the background goes
 * on. Rejects only when it cannot be started.
 */
export async function runSubprocess(
  command: string,
  args: readonly string[],
  options: SubprocessOptions = {}
): Promise<SubprocessResult> {
  const { maxOutputBytes = DEFAULT_MAX_OUTPUT_BYTES, graceMs = DEFAULT_GRACE_MS } = options
  const { child, out, err, pipe } = start(command, args, options)
  const exited = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>
  // One that cannot be started is reported by the first of the two.
  const drained = once(child, 'close').catch(() => {})
  const stdout = collect(out, maxOutputBytes)
  const stderr = collect(err, maxOutputBytes)

  const ending = endOnDemand(child, { ...options, graceMs })
  try {
    const [code, signal] = await exited
    if (ending.begun()) await groupGone(child, graceMs + AFTER_KILL_MS)
    await Promise.race([drained, sleep(DRAIN_MS, undefined, { ref: false }).then(() => setImmediate())])
    return {
      code,
      signal,
      stdout: stdout.text(),
      stderr: stderr.text(),
      truncated: stdout.truncated() || stderr.truncated(),
      timedOut: ending.timedOut()
    }
  } finally {
    ending.dispose()
    pipe?.destroy()
    // What still holds the pipes must not keep this process from ending.
    for (const stream of [out, err]) if (stream instanceof Socket) stream.unref()
  }
}

function start(command: string, args: readonly string[], options: SubprocessOptions) {
  const { env = process.env, cwd, input = '', niceness, leash } = options
  const child = spawn(command, args, {
    env: inheritedEnvironment(env),
    cwd,
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe', ...(leash === undefined ? [] : ['pipe' as const])]
  })
  giveWay(child, niceness)
  const [stdin, out, err, pipe] = child.stdio as unknown as [Writable, Readable, Readable, Duplex | undefined]
  // A process that does not read its input ends the pipe early: its right.
  for (const written of [stdin, pipe]) written?.on('error', () => {})
  stdin.end(input)
  if (pipe !== undefined) leash?.(pipe)
  return { child, out, err, pipe }
}

function giveWay({ pid }: ChildProcess, niceness: number | undefined): void {
  if (pid === undefined || niceness === undefined) return
  try {
    setPriority(pid, Math.min(constants.priority.PRIORITY_LOW, getPriority() + niceness))
  } catch {
    // It has ended already.
  }
}

function endOnDemand(child: ChildProcess, { timeoutMs, graceMs, signal }: SubprocessOptions & { graceMs: number }) {
  let timedOut = false
  let killTimer: NodeJS.Timeout | undefined
  const end = (): void => {
    signalGroup(child, 'SIGTERM')
    killTimer ??= setTimeout(() => {
      signalGroup(child, 'SIGKILL')
      // What left the group may hold the pipes open for ever: wait for it no longer.
      child.stdout?.destroy()
      child.stderr?.destroy()
    }, graceMs)
  }
  const timeout =
    timeoutMs === undefined
      ? undefined
      : setTimeout(() => {
          timedOut = true
          end()
        }, timeoutMs)
  if (signal?.aborted) end()
  signal?.addEventListener('abort', end, { once: true })
  return {
    timedOut: () => timedOut,
    begun: () => killTimer !== undefined,
    dispose() {
      clearTimeout(timeout)
      clearTimeout(killTimer)
      signal?.removeEventListener('abort', end)
    }
  }
}

function collect(stream: NodeJS.ReadableStream, maxBytes: number) {
  const chunks: Buffer[] = []
  let kept = 0
  let seen = 0
  stream.on('data', (chunk: Buffer) => {
    seen += chunk.length
    if (kept >= maxBytes) return
    const part = chunk.subarray(0, maxBytes - kept)
    chunks.push(part)
    kept += part.length
  })
  return { text: () => Buffer.concat(chunks).toString('utf8'), truncated: () => seen > maxBytes }
}
