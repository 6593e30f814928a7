import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'

export interface SubprocessOptions {
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
const DEFAULT_MAX_OUTPUT_BYTES = 1024 * 1024

/**
 * Runs a program to its end, in a process group of its own, so that ending it
 * ends what it started as well. Rejects only when it cannot be started.
 */
export async function runSubprocess(
  command: string,
  args: readonly string[],
  options: SubprocessOptions = {}
): Promise<SubprocessResult> {
  const { env, cwd, input = '', maxOutputBytes = DEFAULT_MAX_OUTPUT_BYTES } = options
  const child = spawn(command, args, { env, cwd, detached: true, stdio: ['pipe', 'pipe', 'pipe'] })
  const closed = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>
  const stdout = collect(child.stdout, maxOutputBytes)
  const stderr = collect(child.stderr, maxOutputBytes)
  // A process that does not read its input ends the pipe early: its right.
  child.stdin.on('error', () => {})
  child.stdin.end(input)

  const ending = endOnDemand(child, options)
  try {
    const [code, signal] = await closed
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
  }
}

function endOnDemand(child: ChildProcess, { timeoutMs, graceMs = DEFAULT_GRACE_MS, signal }: SubprocessOptions) {
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
    dispose() {
      clearTimeout(timeout)
      clearTimeout(killTimer)
      signal?.removeEventListener('abort', end)
    }
  }
}

/**
 * Signals a process and all that it started: it has to lead a process group.
 *
 * @param signal 0 only asks whether somebody of the group is there
 * @returns whether the group was there to be signalled
 */
export function signalGroup({ pid }: ChildProcess, signal: NodeJS.Signals | 0): boolean {
  if (pid === undefined) return false
  try {
    return process.kill(-pid, signal)
  } catch {
    // ESRCH: all of them are gone, which is what was wanted.
    return false
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
