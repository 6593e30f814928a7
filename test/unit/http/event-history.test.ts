import { appendFile, readFile, stat, writeFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { EventHistory } from '../../../src/http/event-history.ts'
import { tempDir } from '../../support/temp-dir.ts'
import { recordingLogger, silentLogger } from '../../support/test-logger.ts'

let now = 1_795_000_000_000
const clock = { now: () => now }

const open = (path: string) => new EventHistory({ path, clock, logger: silentLogger() })
const happened = (n: number, more: object = {}) => ({ type: 'pod-up', data: { n, ...more } })
const idsOf = (history: EventHistory): string[] => history.since('0').events.map(({ id }) => String(id))
const numbersOf = (history: EventHistory, lastId: string): unknown[] =>
  history.since(lastId).events.map(({ data }) => (JSON.parse(data) as { n: unknown }).n)

describe('the history of events', () => {
  it('tells what happened behind an id, with ids that only grow', async () => {
    await using dir = await tempDir()
    const history = open(dir.file('events.jsonl'))
    const told: number[] = []
    history.subscribe(({ id }) => told.push(id))
    for (const [n, at] of [5, 5, 3, 9].entries()) {
      now = 1_795_000_000_000 + at
      history.add(happened(n))
    }

    const ids = idsOf(history)

    expect(ids.map(Number)).toEqual([...told].sort((one, other) => one - other))
    expect(new Set(ids).size).toBe(4)
    expect(history.since('0').missed).toBe(false)
    for (const [at, id] of ids.entries()) {
      expect(numbersOf(history, id)).toEqual([0, 1, 2, 3].slice(at + 1))
      expect(history.since(id).missed).toBe(false)
    }
    history.close()
  })

  it('is the same after a restart, whatever a kill or another hand has left of its file', async () => {
    await using dir = await tempDir()
    const path = dir.file('events.jsonl')
    const first = open(path)
    first.add(happened(0))
    first.add(happened(1, { big: 'a\n"b' }))
    const [, last = ''] = idsOf(first)
    first.close()
    await appendFile(
      path,
      'no JSON\n{"id":0,"type":"x","data":{}}\n{"id":9999999999999,"type":"x","data":{]}\n{"id":17'
    )

    const second = open(path)
    second.add(happened(2))
    second.close()
    const third = open(path)

    expect(numbersOf(second, last)).toEqual([2])
    expect(third.since('0')).toEqual(second.since('0'))
    expect(numbersOf(third, '0')).toEqual([0, 1, 2])
    expect(third.since(last).missed).toBe(false)
    third.close()
  })

  it('says that something was missed where an id is not known', async () => {
    await using dir = await tempDir()
    const history = open(dir.file('events.jsonl'))
    for (let n = 0; n < 1_003; n++) history.add(happened(n))
    const first = Number(idsOf(history)[0])

    expect(idsOf(history)).toHaveLength(1_000)
    expect(history.since(String(first - 1))).toMatchObject({ missed: false, events: { length: 1_000 } })
    for (const id of [String(first - 2), '1', 'x', '-1', '0x1', String(first + 100_000)]) {
      expect(history.since(id)).toMatchObject({ missed: true, events: { length: 1_000 } })
    }
    history.close()
  })

  it('gives no id twice where its file was lost', async () => {
    await using dir = await tempDir()
    const former = open(dir.file('lost.jsonl'))
    former.add(happened(0))
    const [id = ''] = idsOf(former)
    former.close()

    now += 1000
    const history = open(dir.file('events.jsonl'))
    expect(history.since(id)).toEqual({ missed: true, events: [] })
    history.add(happened(1))

    expect(Number(idsOf(history)[0])).toBeGreaterThan(Number(id))
    expect(history.since(id)).toMatchObject({ missed: true, events: { length: 1 } })
    history.close()
  })

  it('is bounded in memory and on disk, and remembers of a large event that it was', async () => {
    await using dir = await tempDir()
    const path = dir.file('events.jsonl')
    const history = open(path)
    const told: string[] = []
    history.subscribe(({ data }) => told.push(data))

    for (let n = 0; n < 100; n++) {
      history.add(happened(n, { text: 'x'.repeat(60_000) }))
      // A turn of its own each, as events come.
      await new Promise(setImmediate)
    }
    history.add(happened(100, { text: 'x'.repeat(70_000) }))
    history.close()

    const { events } = history.since('0')
    expect(events.reduce((sum, { data }) => sum + data.length, 0)).toBeLessThanOrEqual(768 * 1024)
    expect(events.length).toBeGreaterThan(10)
    expect(events.at(-1)).toMatchObject({ type: 'missed', data: expect.stringContaining('"what":"pod-up"') as unknown })
    expect(told.at(-1)).toContain('x'.repeat(70_000))
    const sizes = await Promise.all([path, `${path}.1`].map(async (file) => (await stat(file)).size))
    expect(Math.max(...sizes)).toBeLessThanOrEqual(768 * 1024)
    expect(open(path).since('0').events.at(-1)).toEqual(events.at(-1))
  })

  it('makes no file where nothing happens, and does without one that cannot be written', async () => {
    await using dir = await tempDir()
    const path = dir.file('events.jsonl')
    open(path).close()
    await expect(readFile(path)).rejects.toThrow('ENOENT')

    await writeFile(dir.file('file'), '')
    const { logger, lines } = recordingLogger()
    const history = new EventHistory({ path: dir.file('file/events.jsonl'), clock, logger })
    history.add(happened(0))
    await new Promise(setImmediate)
    history.add(happened(1))
    history.close()

    expect(numbersOf(history, '0')).toEqual([0, 1])
    expect(lines).toMatchObject([{ level: 40, msg: 'events are not kept for the next start' }])
  })
})
