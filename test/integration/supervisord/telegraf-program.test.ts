import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { Statistics } from '../../../src/telemetry/statistics.ts'
import { loadConfig } from '../../../src/config.ts'
import { Metrics } from '../../../src/telemetry/metrics.ts'
import { startTelegraf, stopTelegraf } from '../../../src/telemetry/telegraf.ts'
import { eventually } from '../../support/eventually.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { startSupervisord, type RunningSupervisord } from '../../support/neighbours/start-supervisord.ts'
import { tempDir } from '../../support/temp-dir.ts'
import { silentLogger } from '../../support/test-logger.ts'

/** Debian has no telegraf: a script in its place notes how it is called and what it is told, and takes a while to end. */
async function installTelegraf(bin: string, notes: string): Promise<void> {
  await mkdir(bin)
  await writeFile(
    `${bin}/telegraf`,
    `#!/bin/sh\necho "$@" >> ${notes}\ntrap 'echo HUP >> ${notes}' HUP\ntrap 'sleep 0.3; exit' TERM\nwhile :; do sleep 0.1; done\n`
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

const ANNOTATION = { 'kontrol.unity3d.com/opentsdb': '127.0.0.1:4242' }

const stateOf = async ({ client }: RunningSupervisord) => (await client.info('telegraf')).state

function statisticsUnder(supervisord: RunningSupervisord, path: string, annotations = {}): Statistics {
  const { config } = loadConfig({
    KONTROL_MODE: 'master',
    KONTROL_LABELS: '{"app":"haproxy","role":"balancer"}',
    KONTROL_ANNOTATIONS: JSON.stringify(annotations),
    KONTROL_DATA: supervisord.dir.file('data'),
    KONTROL_SUPERVISOR: 'supervisord',
    SUPERVISOR_SERVER_URL: supervisord.serverUrl
  })
  const metrics = new Metrics({
    pods: () => ({ live: 0, held: 0 }),
    atRest: () => true,
    problems: () => 0,
    unusableBackends: () => 0,
    skippedValues: () => 0,
    leftOutPods: () => 0
  })
  const env = { PATH: path, SUPERVISOR_SERVER_URL: supervisord.serverUrl }
  const haproxy = {
    socket: supervisord.dir.file('admin.sock'),
    ask: () => Promise.reject(new Error('no HAProxy here'))
  }
  return new Statistics({ config, env, haproxy, clock: new FakeClock(), logger: silentLogger(), metrics })
}

describe('telegraf is stopped under a real supervisord', () => {
  it('when the annotation was removed while the control tier was down', async () => {
    await using dir = await tempDir()
    const path = `${dir.file('bin')}:${process.env.PATH}`
    await installTelegraf(dir.file('bin'), dir.file('notes'))
    await using supervisord = await startSupervisord(['telegraf.conf'], { path })
    await statisticsUnder(supervisord, path, ANNOTATION).prepare()
    await eventually(async () => (await stateOf(supervisord)) === 'RUNNING')

    await statisticsUnder(supervisord, path, { 'kontrol.unity3d.com/opentsdb': 'cannot be read' }).prepare()
    expect(await stateOf(supervisord)).toBe('RUNNING')
    await statisticsUnder(supervisord, path).prepare()

    await eventually(async () => (await stateOf(supervisord)) === 'STOPPED')
    await stopTelegraf(supervisord.client)
  })

  it('and runs again when the annotation came back at once', async () => {
    await using dir = await tempDir()
    const path = `${dir.file('bin')}:${process.env.PATH}`
    await installTelegraf(dir.file('bin'), dir.file('notes'))
    await using supervisord = await startSupervisord(['telegraf.conf'], { path })
    const statistics = statisticsUnder(supervisord, path, ANNOTATION)
    await statistics.prepare()
    const { pid } = await supervisord.client.info('telegraf')

    await Promise.all([{}, ANNOTATION].map((edit) => statistics.replaceAnnotations(edit)))

    await eventually(async () => (await stateOf(supervisord)) === 'RUNNING')
    expect((await supervisord.client.info('telegraf')).pid).not.toBe(pid)
    await Promise.all([ANNOTATION, {}].map((edit) => statistics.replaceAnnotations(edit)))
    await eventually(async () => (await stateOf(supervisord)) === 'STOPPED')
  })

  it('which is no failure where supervisord has no such program', async () => {
    await using dir = await tempDir()
    await installTelegraf(dir.file('bin'), dir.file('notes'))
    await using supervisord = await startSupervisord([])

    await statisticsUnder(supervisord, dir.file('bin')).prepare()
  })
})
