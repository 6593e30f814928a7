import { appendFile, stat, writeFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import type { Reconfiguration } from '../../../src/model/reconfiguration.ts'
import { HistoryFile } from '../../../src/steps/history-file.ts'
import { tempDir } from '../../support/temp-dir.ts'
import { recordingLogger, silentLogger } from '../../support/test-logger.ts'

const entry = (id: number, change: Partial<Reconfiguration> = {}): Reconfiguration => ({
  id,
  cause: 'pod-up web 10.0.0.1 (new)',
  causedAt: 1_795_000_000_000,
  startedAt: 1_795_000_000_100,
  plan: 'runtime',
  operations: 1,
  reasons: [],
  phases: { render: 0.5, configure: 2 },
  outcome: 'applied',
  error: null,
  diff: '+  server s1 10.0.0.1:80',
  ...change
})

describe('the file of reconfigurations', () => {
  it('gives back what was written, oldest first, whatever a kill or another hand has left of it', async () => {
    await using dir = await tempDir()
    const path = dir.file('history.jsonl')
    const failed = entry(2, { outcome: 'failed', plan: null, error: { code: 'KTL_TEMPLATE_INVALID', message: 'no' } })
    const first = new HistoryFile(path, silentLogger())
    first.append(entry(1))
    first.append(failed)
    first.close()
    await appendFile(path, 'no JSON\n{"id":3}\n{"id":4,"outcome":"running"}\n\n')
    await appendFile(path, JSON.stringify(entry(5)).slice(0, 40))

    expect(new HistoryFile(path, silentLogger()).read()).toEqual([entry(1), failed])
    expect(new HistoryFile(dir.file('none'), silentLogger()).read()).toEqual([])
  })

  it('begins a line of its own behind one that was cut', async () => {
    await using dir = await tempDir()
    const path = dir.file('history.jsonl')
    await writeFile(path, JSON.stringify(entry(1)).slice(0, 40))

    const file = new HistoryFile(path, silentLogger())
    file.append(entry(2))
    file.append(entry(3))
    file.close()

    expect(new HistoryFile(path, silentLogger()).read()).toEqual([entry(2), entry(3)])
  })

  it('never takes more than two megabytes, and keeps the newest', async () => {
    await using dir = await tempDir()
    const path = dir.file('history.jsonl')
    const file = new HistoryFile(path, silentLogger())
    const diff = '+  server s1 10.0.0.1:80\n'.repeat(400)

    for (let id = 1; id <= 500; id++) file.append(entry(id, { diff }))
    file.close()

    const ids = new HistoryFile(path, silentLogger()).read().map(({ id }) => id)
    expect(ids.at(-1)).toBe(500)
    expect(ids).toEqual(Array.from({ length: ids.length }, (_, index) => 501 - ids.length + index))
    expect(ids.length).toBeGreaterThan(100)
    for (const name of [path, `${path}.1`]) expect((await stat(name)).size).toBeLessThanOrEqual(1024 * 1024)
  })

  it('is done without where it cannot be written, which is told once', async () => {
    const { logger, lines } = recordingLogger()
    const file = new HistoryFile('/dev/null/history.jsonl', logger)

    file.append(entry(1))
    file.close()

    expect(file.read()).toEqual([])
    expect(lines).toMatchObject([{ level: 40, msg: 'reconfigurations are not kept for the next start' }])
  })
})
