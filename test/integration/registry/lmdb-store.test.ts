import { mkdir, writeFile } from 'node:fs/promises'
import { open } from 'lmdb'
import { describe, expect, it } from 'vitest'
import { LmdbStore } from '../../../src/registry/lmdb-store.ts'
import { storeContract } from '../../contract/store.contract.ts'
import { keepalive } from '../../support/start-master.ts'
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

  it('says with a hint that its file is not a database', async () => {
    await using dir = await tempDir()
    await mkdir(dir.file('registry'))
    await writeFile(dir.file('registry/data.mdb'), Buffer.alloc(64 * 1024, 'not a database '))

    await expect(new LmdbStore(dir.file('registry'), silentLogger()).open()).rejects.toMatchObject({
      code: 'KTL_STORE_UNAVAILABLE',
      hint: expect.stringContaining('move it away') as string
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
