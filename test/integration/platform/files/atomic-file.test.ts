import { readdir, utimes, writeFile } from 'node:fs/promises'
import { expect, it } from 'vitest'
import { removeUnfinished } from '../../../../src/platform/files/atomic-file.ts'
import { tempDir } from '../../../support/temp-dir.ts'

it('what a killed process had not finished is removed, and nothing else', async () => {
  await using dir = await tempDir()
  const startedAt = 1_800_000_000_000
  const files: Record<string, number> = {
    '.hosts.json.0123456789ab': startedAt - 1_000,
    '.changed.json.0123456789ab': startedAt + 1_000,
    '.operators.own': startedAt - 1_000,
    'hosts.json': startedAt - 1_000
  }
  for (const [name, at] of Object.entries(files)) {
    await writeFile(dir.file(name), '')
    await utimes(dir.file(name), at / 1_000, at / 1_000)
  }

  await removeUnfinished(dir.path, startedAt)

  expect((await readdir(dir.path)).sort()).toEqual(['.changed.json.0123456789ab', '.operators.own', 'hosts.json'])
})
