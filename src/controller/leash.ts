import type { Duplex } from 'node:stream'
import type { Cancel, Clock } from '../platform/clock.ts'
import { runSubprocess, type SubprocessOptions, type SubprocessResult } from '../platform/process/subprocess.ts'

export interface Leash {
  /** Until when the program may run as far as is known now, on the monotonic clock; undefined: no longer. */
  until: () => number | undefined
  clock: Clock
}

/**
 * Runs "$@", and ends it with all that it started when nothing came on descriptor 3 for as many seconds as the line
 * before said, or its other end is gone. When the program has ended, a line is written there and "done" is waited for,
 * so that no process is left behind. TERM is for the program: this shell ends with it. What the shell says of a killed
 * program is no output of it.
 */
const SCRIPT = `
trap : TERM
exec 4>&2 2>/dev/null
seconds=$1; shift
{
  trap '' TERM
  while seconds=$(timeout -s KILL "$seconds" sh -c 'read -r line && echo "$line"' <&3 3<&-) && [ "$seconds" != done ]
  do :; done
  [ "$seconds" = done ] || kill -KILL 0
} >/dev/null 4>&- &
(exec 2>&4 3<&- 4>&-; exec "$@")
code=$?
echo ended >&3
wait
exit "$code"`

const FOR_EVER_SECONDS = 1e8
/** The program is ended before another one may begin, also on a machine that is busy. */
const MARGIN_MS = 100
const BEATS_PER_LEASE = 4
const LONGEST_BEAT_MS = 1_000

/**
 * Runs a program that ends when its time does, also when this process is killed, or stopped and knows nothing of the time.
 *
 * A program that is not there exits with 127, one that a signal ended with 128 and the signal's number.
 */
export async function runOnLeash(
  argv: readonly string[],
  { until, clock }: Leash,
  options: SubprocessOptions
): Promise<SubprocessResult> {
  const tooLate = new AbortController()
  const left = (): number => (until() ?? -Infinity) - MARGIN_MS - clock.monotonic()
  let cancel: Cancel = () => {}
  const beat = (pipe: Duplex): void => {
    const ms = left()
    if (ms <= 0) return tooLate.abort()
    // Nobody else can lead: there is nothing to be said again.
    if (ms === Infinity) return
    pipe.write(`${seconds(ms)}\n`)
    cancel = clock.after(Math.min(ms / BEATS_PER_LEASE, LONGEST_BEAT_MS), () => beat(pipe))
  }
  const { signal } = options
  try {
    return await runSubprocess('/bin/sh', ['-c', SCRIPT, 'sh', seconds(left()), ...argv], {
      ...options,
      signal: signal === undefined ? tooLate.signal : AbortSignal.any([signal, tooLate.signal]),
      leash(pipe) {
        pipe.once('data', () => {
          cancel()
          pipe.end('done\n')
        })
        beat(pipe)
      }
    })
  } finally {
    cancel()
  }
}

const seconds = (ms: number): string => Math.min(Math.max(0.01, ms / 1000), FOR_EVER_SECONDS).toFixed(2)
