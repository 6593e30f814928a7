import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { command } from '../../support/service/command.ts'
import { tempDir } from '../../support/temp-dir.ts'

const FOLDER = join(import.meta.dirname, '../../../docker/systemd')

describe('a unit of docker/systemd', () => {
  it.each([
    ['kontrol.service', '/usr/bin/env node --max-semi-space-size=8 /usr/bin/kontrol run'],
    ['kontrol-slave.service', '/usr/bin/kontrol run']
  ])('%s is understood by systemd, and hardened', async (name, started) => {
    await using dir = await tempDir()
    const unit = await readFile(join(FOLDER, name), 'utf8')
    expect(unit).toContain(`ExecStart=${started}\n`)
    // The program is not installed here.
    await writeFile(dir.file(name), unit.replace('/usr/bin/kontrol', '/bin/true'))

    // It prints what it does not know, and ends with 0 all the same.
    expect(await command('sh', ['-c', `systemd-analyze verify ${dir.file(name)} 2>&1`])).toBe('')
    // From 0, which is safest, to 10: the exit code says whether it is at most 3.
    await command('systemd-analyze', ['security', '--offline=true', '--threshold=30', dir.file(name)])
  })
})
