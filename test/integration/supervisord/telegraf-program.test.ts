import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { startTelegraf } from '../../../src/telemetry/telegraf-program.ts'
import { eventually } from '../../support/eventually.ts'
import { startSupervisord } from '../../support/start-supervisord.ts'
import { tempDir } from '../../support/temp-dir.ts'

/** Debian has no telegraf: a script in its place notes how it is called and what it is told. */
async function installTelegraf(bin: string, notes: string): Promise<void> {
  await mkdir(bin)
  await writeFile(
    `${bin}/telegraf`,
    `#!/bin/sh\necho "$@" >> ${notes}\ntrap 'echo HUP >> ${notes}' HUP\nwhile :; do sleep 0.1; done\n`
  )
  await chmod(`${bin}/telegraf`, 0o755)
}

describe('startTelegraf against a real supervisord', () => {
  it("starts the image's program, and later makes it read its configuration again", async () => {
    await using dir = await tempDir()
    const notes = dir.file('notes')
    await installTelegraf(dir.file('bin'), notes)
    await using supervisord = await startSupervisord(['telegraf.conf'], {
      path: `${dir.file('bin')}:${process.env.PATH}`
    })

    await startTelegraf(supervisord.client)
    const conf = supervisord.dir.file('data/telegraf.conf')
    await eventually(async () => (await readFile(notes, 'utf8')) === `--config ${conf}\n`)
    const { pid } = await supervisord.client.info('telegraf')
    await startTelegraf(supervisord.client)

    await eventually(async () => (await readFile(notes, 'utf8')) === `--config ${conf}\nHUP\n`)
    expect((await supervisord.client.info('telegraf')).pid).toBe(pid)
  })

  it('says so where it is missing', async () => {
    await using supervisord = await startSupervisord(['telegraf.conf'])

    await expect(startTelegraf(supervisord.client)).rejects.toMatchObject({ code: 'KTL_SUPERVISOR_REFUSED' })
  })
})
