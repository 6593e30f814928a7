import { rm, utimes, writeFile } from 'node:fs/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { PayloadFile } from '../../../src/slave/payload-file.ts'
import { eventually } from '../../support/eventually.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { tempDir, type TempDir } from '../../support/temp-dir.ts'
import { recordingLogger } from '../../support/test-logger.ts'

describe('PayloadFile', () => {
  let folder: TempDir
  let path: string
  let clock: FakeClock
  let file: PayloadFile
  let changes: unknown[]
  let lines: Record<string, unknown>[]

  beforeEach(async () => {
    folder = await tempDir()
    path = folder.file('state.json')
    clock = new FakeClock()
    changes = []
    const recording = recordingLogger()
    lines = recording.lines
    file = new PayloadFile({ path, clock, logger: recording.logger })
  })
  afterEach(async () => {
    file.stop()
    await folder[Symbol.asyncDispose]()
  })

  const watch = () => file.watch(() => changes.push(file.payload))
  /** Lets the watcher look until it has seen what the test expects. */
  const afterLooking = <T>(check: () => T) =>
    eventually(() => {
      clock.advance(1000)
      return check()
    })
  const looks = () => lines.filter(({ msg }) => msg === 'payload file not read').length

  it('has an empty string before the file parses', async () => {
    await watch()

    expect(file.payload).toBe('')
  })

  it('has the content once watch() resolves, which is no change', async () => {
    await writeFile(path, '{"eip":"1.2.3.4"}')

    await watch()

    expect(file.payload).toEqual({ eip: '1.2.3.4' })
    expect(changes).toEqual([])
  })

  it('tells of a file that appears, and of each change', async () => {
    await watch()

    await writeFile(path, '[1]')
    await afterLooking(() => changes.length === 1)
    await writeFile(path, '[1, 2]')
    await afterLooking(() => changes.length === 2)

    expect(changes).toEqual([[1], [1, 2]])
  })

  it('sees a change of equal length by its time', async () => {
    await writeFile(path, '[1]')
    await watch()

    await writeFile(path, '[2]')
    await utimes(path, 5, 5)
    await afterLooking(() => changes.length === 1)

    expect(changes).toEqual([[2]])
  })

  it('keeps the last payload, silently, while the file is broken or missing', async () => {
    await writeFile(path, '{"good":true}')
    await watch()

    await writeFile(path, '{"half":')
    await afterLooking(() => looks() >= 2)
    await rm(path)
    await afterLooking(() => looks() >= 4)

    expect(file.payload).toEqual({ good: true })
    expect(changes).toEqual([])
    expect(lines.filter(({ level }) => Number(level) > 10)).toEqual([])
  })

  it('keeps the last payload when the file outgrows what a master takes, and says so once', async () => {
    await writeFile(path, '{"good":true}')
    await watch()

    await writeFile(path, JSON.stringify('x'.repeat(40_000)))
    await afterLooking(() => lines.some(({ level }) => level === 40))
    await rm(path)
    await afterLooking(() => looks() >= 2)

    expect(file.payload).toEqual({ good: true })
    expect(lines.filter(({ level }) => level === 40)).toMatchObject([{ path, size: 40_002, limit: 32_768 }])
  })

  it('looks no more once stopped', async () => {
    await watch()

    file.stop()
    await writeFile(path, '[1]')
    clock.advance(10_000)

    expect(file.payload).toBe('')
  })
})
