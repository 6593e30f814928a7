import { execFileSync } from 'node:child_process'
import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { expect, it } from 'vitest'
import { readSecrets } from '../../../../src/access/credentials.ts'
import { readPlainFileSync, SMALL_FILE_BYTES } from '../../../../src/platform/files/plain-file.ts'
import { tempDir } from '../../../support/temp-dir.ts'

it('reads a file, through a link as well, and refuses at once what is none or too large', async () => {
  await using dir = await tempDir()
  await writeFile(dir.file('secret'), 'one\ntwö\n')
  await symlink(dir.file('secret'), dir.file('link'))
  execFileSync('mkfifo', [dir.file('fifo')])
  await mkdir(dir.file('folder'))
  await symlink('/dev/zero', dir.file('zero'))

  expect(readPlainFileSync(dir.file('link'), SMALL_FILE_BYTES)).toBe('one\ntwö\n')
  expect(readPlainFileSync('/dev/null', SMALL_FILE_BYTES)).toBe('')
  for (const name of ['fifo', 'folder', 'zero']) {
    expect(() => readPlainFileSync(dir.file(name), SMALL_FILE_BYTES)).toThrow(/no regular file/)
    const problems: string[] = []
    const none = { inline: undefined, file: undefined }
    const file = { name: 'KONTROL_TOKEN', inline: undefined, file: dir.file(name) }
    readSecrets({ operate: file, ping: { name: 'P', ...none }, read: { name: 'R', ...none } }, problems)
    expect(problems).toEqual([expect.stringMatching(/^KONTROL_TOKEN_FILE must name a readable file .*no regular file/)])
  }
  expect(() => readPlainFileSync(dir.file('secret'), 8)).toThrow(/more than 8 bytes/)
})
