import { mkdir, writeFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { LmdbStore } from '../../../src/registry/lmdb-store.ts'
import { storeContract } from '../../contract/store.contract.ts'
import { tempDir } from '../../support/temp-dir.ts'

storeContract('LmdbStore', async () => {
  const dir = await tempDir()
  return {
    createStore: () => new LmdbStore(dir.file('registry')),
    dispose: async () => dir[Symbol.asyncDispose]()
  }
})

describe('LmdbStore', () => {
  it('makes a folder with a dot in its name', async () => {
    await using dir = await tempDir()
    const store = new LmdbStore(dir.file('data.v1/registry.d'))

    expect(await store.open()).toEqual({ pods: [], callbackState: undefined, isFilled: false })
    await store.close()
  })

  it('says with a hint that the data folder cannot be written', async () => {
    await using dir = await tempDir()
    await writeFile(dir.file('data'), 'a file where a folder should be')

    await expect(new LmdbStore(dir.file('data/registry')).open()).rejects.toMatchObject({
      code: 'KTL_DATA_UNWRITABLE',
      message: expect.stringContaining(dir.file('data/registry')) as string,
      hint: expect.stringContaining('KONTROL_DATA') as string
    })
  })

  it('says with a hint that its file is not a database', async () => {
    await using dir = await tempDir()
    await mkdir(dir.file('registry'))
    await writeFile(dir.file('registry/data.mdb'), Buffer.alloc(64 * 1024, 'not a database '))

    await expect(new LmdbStore(dir.file('registry')).open()).rejects.toMatchObject({
      code: 'KTL_STORE_UNAVAILABLE',
      hint: expect.stringContaining('move it away') as string
    })
  })
})
