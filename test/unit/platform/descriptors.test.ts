import { writeFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { connectionsWithin, descriptorLimit, refuseFewDescriptors } from '../../../src/platform/descriptors.ts'
import { tempDir } from '../../support/temp-dir.ts'

describe('the limit of descriptors', () => {
  it.each([
    ['Max open files            1024                 4096                 files', 1024],
    ['Max open files            unlimited            unlimited            files', 1024],
    ['Max processes             7                    7                    processes', 1024]
  ])('is read from "%s"', async (line, expected) => {
    await using dir = await tempDir()
    await writeFile(dir.file('limits'), `Limit   Soft Limit   Hard Limit   Units\n${line}\n`)

    expect(descriptorLimit(dir.file('limits'))).toBe(expected)
  })

  it('is refused where a control tier could not be loaded', () => {
    expect(() => refuseFewDescriptors(511)).toThrow('511 open files are too few')
    refuseFewDescriptors(512)
  })

  it('leaves some for our own work', () => {
    expect(connectionsWithin(1024)).toBe(768)
    expect(connectionsWithin(100)).toBe(50)
    expect(connectionsWithin(10_000_000)).toBe(262_144)
    expect(descriptorLimit()).toBeGreaterThan(256)
  })
})
