import { readFile, writeFile } from 'node:fs/promises'
import { open } from 'lmdb'
import { describe, expect, it } from 'vitest'
import type { Problem } from '../../../src/errors.ts'
import { LmdbStore } from '../../../src/registry/lmdb-store.ts'
import { storeContract } from '../../contract/store.contract.ts'
import { SeededRandom } from '../../support/seeded-random.ts'
import { keepalive } from '../../support/service/start-master.ts'
import { tempDir } from '../../support/temp-dir.ts'
import { recordingLogger, silentLogger } from '../../support/test-logger.ts'

storeContract('LmdbStore', async () => {
  const dir = await tempDir()
  return {
    createStore: () => new LmdbStore(dir.file('registry'), silentLogger()),
    dispose: async () => dir[Symbol.asyncDispose]()
  }
})

describe('LmdbStore', () => {
  it('makes a folder with a dot in its name', async () => {
    await using dir = await tempDir()
    const store = new LmdbStore(dir.file('data.v1/registry.d'), silentLogger())

    expect(await store.open()).toEqual({ pods: [], lastRun: undefined, isFilled: false })
    await store.close()
  })

  it('says with a hint that the data folder cannot be written', async () => {
    await using dir = await tempDir()
    await writeFile(dir.file('data'), 'a file where a folder should be')

    await expect(new LmdbStore(dir.file('data/registry'), silentLogger()).open()).rejects.toMatchObject({
      code: 'KTL_DATA_UNWRITABLE',
      message: expect.stringContaining(dir.file('data/registry')) as string,
      hint: expect.stringContaining('KONTROL_DATA') as string
    })
  })

  describe('with a file that is damaged', () => {
    /** Ten transactions of twenty pods, some of whose values have pages of their own. */
    async function filled(folder: string): Promise<void> {
      const store = new LmdbStore(folder, silentLogger())
      await store.open()
      for (let round = 0; round < 10; round++) {
        const pods = Array.from({ length: 20 }, (_, index) => `${round}-${index}`)
        await Promise.all(
          pods.map(
            async (key) => await store.admit({ ...keepalive(key), payload: 'x'.repeat(500 * round), firstSeen: 0 })
          )
        )
      }
      await store.close()
    }

    const damages: [what: string, file: string, damage: (whole: Buffer) => Buffer][] = [
      ['cut to half', 'data.mdb', (whole) => whole.subarray(0, whole.length / 2)],
      ['cut within its first page', 'data.mdb', (whole) => whole.subarray(0, 100)],
      ['cut behind its first page', 'data.mdb', (whole) => whole.subarray(0, 4096)],
      ['cut behind its second page', 'data.mdb', (whole) => whole.subarray(0, 8192)],
      ['another file', 'data.mdb', () => Buffer.alloc(64 * 1024, 'not a database ')],
      [
        'zeros behind its first pages',
        'data.mdb',
        (whole) => Buffer.concat([whole.subarray(0, 8192), Buffer.alloc(whole.length - 8192)])
      ],
      [
        'noise behind its first pages',
        'data.mdb',
        (whole) => {
          const random = new SeededRandom(15)
          return whole.map((byte, at) => (at < 8192 ? byte : random.below(256))) as Buffer
        }
      ]
    ]

    it.each(damages)('%s, begins anew and keeps what was there', async (_what, name, damage) => {
      await using dir = await tempDir()
      await filled(dir.file('registry'))
      const damaged = damage(await readFile(dir.file(`registry/${name}`)))
      await writeFile(dir.file(`registry/${name}`), damaged)
      const told: Problem[] = []
      const { logger, lines } = recordingLogger()

      const store = new LmdbStore(dir.file('registry'), logger, (problem) => void told.push(problem))
      expect(await store.open()).toEqual({ pods: [], callbackState: undefined, isFilled: false })
      await store.admit({ ...keepalive('new'), firstSeen: 0 })
      await store.close()

      expect(told).toEqual([expect.objectContaining({ code: 'KTL_STORE_DAMAGED' })])
      expect(lines.map(({ msg }) => msg)).toEqual(['registry set aside'])
      const aside = await readFile(dir.file(`registry.damaged/${name}`))
      expect(aside.subarray(0, damaged.length).equals(damaged)).toBe(true)
      const again = new LmdbStore(dir.file('registry'), silentLogger())
      expect((await again.open()).pods.map(({ key }) => key)).toEqual(['new'])
      await again.close()
    })

    it.each([
      ['empty', Buffer.alloc(0)],
      ['short', Buffer.from('lock')],
      ['noise', Buffer.alloc(8192, 'noise ')]
    ])('in its lock alone, which is %s, loses nothing', async (_what, lock) => {
      await using dir = await tempDir()
      await filled(dir.file('registry'))
      await writeFile(dir.file('registry/lock.mdb'), lock)

      const store = new LmdbStore(dir.file('registry'), silentLogger())
      expect((await store.open()).pods).toHaveLength(200)
      await store.close()
    })

    it('anywhere, never ends the process', { timeout: 120_000 }, async () => {
      await using dir = await tempDir()
      await filled(dir.file('registry'))
      const whole = await readFile(dir.file('registry/data.mdb'))
      const random = new SeededRandom(18)
      for (let round = 0; round < 12; round++) {
        const damaged = Buffer.from(whole)
        const at = random.below(damaged.length)
        for (let byte = at; byte < Math.min(at + 2000, damaged.length); byte++) damaged[byte] = random.below(256)
        await writeFile(dir.file('registry/data.mdb'), damaged)
        const store = new LmdbStore(dir.file('registry'), silentLogger())
        const { pods } = await store.open()
        expect(pods.length).toBeLessThanOrEqual(200)
        await store.admit({ ...keepalive('new'), firstSeen: 0 })
        await store.close()
      }
    })
  })

  it('skips what is no pod, names it, and counts on', async () => {
    await using dir = await tempDir()
    const root = open({ path: dir.file('registry'), noSubdir: false, encoding: 'json' })
    const pods = root.openDB<unknown, string>({ name: 'pods', encoding: 'json' })
    const good = { ...keepalive('good'), seq: 4, firstSeen: 1 }
    for (const [key, value] of Object.entries({ a: null, b: 5, c: [], d: good, e: { ...good, seq: 'x' }, good })) {
      await pods.put(key, value)
    }
    await root.openDB<unknown, string>({ name: 'meta', encoding: 'json' }).put('nextSeq', 'NaN')
    await root.close()
    const { logger, lines } = recordingLogger()
    const store = new LmdbStore(dir.file('registry'), logger)

    expect((await store.open()).pods).toEqual([good])
    expect(store.skipped).toBe(5)
    expect(lines.map(({ msg, key }) => [msg, key])).toEqual(
      ['a', 'b', 'c', 'd', 'e'].map((key) => ['value in the registry skipped', key])
    )
    expect((await store.admit({ ...keepalive('next'), firstSeen: 1 })).seq).toBe(5)
    await store.close()
  })
})
