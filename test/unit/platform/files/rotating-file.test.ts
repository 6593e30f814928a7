import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { RotatingFile } from '../../../../src/platform/files/rotating-file.ts'
import { tempDir } from '../../../support/temp-dir.ts'

describe('a rotating file', () => {
  it('goes on where it ended, and is put aside before it would reach its size', async () => {
    await using dir = await tempDir()
    writeFileSync(dir.file('log'), '12345')
    const file = new RotatingFile({ path: dir.file('log'), maxBytes: 10, backups: 3 })
    file.write('6789')
    file.write('x')
    file.close()

    expect(readFileSync(dir.file('log.1'), 'utf8')).toBe('123456789')
    expect(readFileSync(dir.file('log'), 'utf8')).toBe('x')
  })

  it('keeps as many as it is told to, the newest first', async () => {
    await using dir = await tempDir()
    const file = new RotatingFile({ path: dir.file('log'), maxBytes: 2, backups: 3 })
    for (const letter of 'abcdefg') file.write(letter)
    file.close()

    expect(readdirSync(dir.path).sort()).toEqual(['log', 'log.1', 'log.2', 'log.3'])
    expect(['log', 'log.1', 'log.2', 'log.3'].map((name) => readFileSync(dir.file(name), 'utf8')).join('')).toBe('gfed')
  })

  it('takes a line that is longer than a file', async () => {
    await using dir = await tempDir()
    const file = new RotatingFile({ path: dir.file('log'), maxBytes: 4, backups: 1 })
    file.write('a long line\n')
    file.close()

    expect(readFileSync(dir.file('log'), 'utf8')).toBe('a long line\n')
  })

  it('says when it cannot be written', async () => {
    await using dir = await tempDir()

    expect(() => new RotatingFile({ path: dir.file('no/log'), maxBytes: 10, backups: 1 })).toThrow(
      expect.objectContaining({ code: 'KTL_DATA_UNWRITABLE', exitCode: 78 })
    )
  })
})
