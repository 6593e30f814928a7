import { readFile, writeFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { migrateDataFolder } from '../../src/bootstrap/data-format.ts'
import { recordingLogger } from '../support/test-logger.ts'
import { tempDir } from '../support/temp-dir.ts'

const { logger } = recordingLogger()

describe('the format of the data folder', () => {
  it('is marked where there is no mark, as in one of an older program', async () => {
    await using dir = await tempDir()

    await migrateDataFolder(dir.path, logger)

    expect(JSON.parse(await readFile(dir.file('format.json'), 'utf8'))).toEqual({ format: 1 })
  })

  it('is brought forward step by step, and not done again what was done', async () => {
    await using dir = await tempDir()
    await writeFile(dir.file('format.json'), '{"format": 1}')
    const done: number[] = []
    const steps = [0, 1, 2].map((from) => async () => void done.push(from))

    await migrateDataFolder(dir.path, logger, steps)
    await migrateDataFolder(dir.path, logger, steps)

    expect(done).toEqual([1, 2])
    expect(JSON.parse(await readFile(dir.file('format.json'), 'utf8'))).toEqual({ format: 3 })
  })

  it('stays where a step fails, for the next start', async () => {
    await using dir = await tempDir()
    const steps = [async () => {}, async () => Promise.reject(new Error('disk full'))]

    await expect(migrateDataFolder(dir.path, logger, steps)).rejects.toThrow('disk full')

    expect(JSON.parse(await readFile(dir.file('format.json'), 'utf8'))).toEqual({ format: 1 })
  })

  it('of a newer program is refused by name, and left as it is', async () => {
    await using dir = await tempDir()
    await writeFile(dir.file('format.json'), '{"format": 7}')

    await expect(migrateDataFolder(dir.path, logger)).rejects.toMatchObject({
      code: 'KTL_DATA_NEWER',
      exitCode: 78,
      message: expect.stringContaining(`${dir.path} has format 7`) as string
    })

    expect(await readFile(dir.file('format.json'), 'utf8')).toBe('{"format": 7}')
  })
})
