import { expect, it } from 'vitest'
import type { ConfigFile } from '../../../src/haproxy/files/config-file.ts'
import { FileFollower } from '../../../src/haproxy/files/file-follower.ts'
import { Known } from '../../../src/haproxy/known.ts'
import { TaskQueue } from '../../../src/platform/queue.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { silentLogger } from '../../support/test-logger.ts'

const STEP_MS = 250

it('writes the file soon after the disk has space again, and asks more seldom the longer it has none', async () => {
  const clock = new FakeClock()
  const known = new Known('')
  known.worker = { masterPid: 1, workerPid: 2 }
  const disk = { full: true, attempts: [] as number[], kept: '' }
  const check = async (): Promise<void> => {
    disk.attempts.push(clock.monotonic())
    if (disk.full) throw new Error('ENOSPC: no space left on device')
  }
  const follower = new FileFollower({
    known,
    clock,
    file: { check } as unknown as ConfigFile,
    queue: new TaskQueue(),
    logger: silentLogger(),
    proven: async () => {},
    keep: async ({ text }) => void (disk.kept = text),
    onAlarm: () => {}
  })
  const pass = async (ms: number): Promise<void> => {
    for (let passed = 0; passed < ms; passed += STEP_MS) {
      clock.advance(STEP_MS)
      await follower.idle()
      await new Promise(setImmediate)
    }
  }

  follower.follow(known.configurationOf('one'))
  await follower.idle()
  await pass(60_000)

  const gaps = disk.attempts.slice(1).map((at, n) => at - (disk.attempts[n] ?? 0))
  // Time moves on by steps.
  for (const [n, pauseMs] of [1_000, 1_500, 2_250, 3_375].entries()) {
    expect(gaps[n]).toBeGreaterThanOrEqual(pauseMs)
    expect(gaps[n]).toBeLessThanOrEqual(pauseMs + STEP_MS)
  }
  expect(Math.max(...gaps)).toBeGreaterThanOrEqual(10_000)
  expect(Math.max(...gaps)).toBeLessThanOrEqual(10_000 + STEP_MS)
  expect(known.problem.file).toBeDefined()

  disk.full = false
  await pass(10_000)
  expect(disk.kept).toBe('one')
  expect(known.problem.file).toBeUndefined()

  disk.full = true
  follower.follow(known.configurationOf('two'))
  await follower.idle()
  disk.full = false
  await pass(1_000)
  expect(disk.kept).toBe('two')
})
