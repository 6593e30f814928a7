import { mkdir, rename, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { DownwardFiles } from '../../../src/kubernetes/downward-files.ts'
import { systemClock } from '../../../src/platform/clock.ts'
import { eventually } from '../../support/eventually.ts'
import { tempDir, type TempDir } from '../../support/temp-dir.ts'
import { recordingLogger, silentLogger } from '../../support/test-logger.ts'

/** Writes a volume as the kubelet does: a new folder, then `..data` swapped to it by a rename. */
async function writeVolume({ path }: TempDir, version: string, files: Record<string, string>): Promise<void> {
  await mkdir(join(path, version))
  for (const [name, text] of Object.entries(files)) await writeFile(join(path, version, name), text)
  await symlink(version, join(path, '..data_tmp'))
  await rename(join(path, '..data_tmp'), join(path, '..data'))
  for (const name of Object.keys(files)) {
    await symlink(join('..data', name), join(path, name)).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error
    })
  }
}

describe('DownwardFiles', () => {
  it('gives labels and annotations as JSON', async () => {
    await using dir = await tempDir()
    await writeVolume(dir, '..1', { labels: 'app="haproxy"\nrole="balancer"', annotations: 'note="a\\nb"' })
    const files = new DownwardFiles({ folder: dir.path, clock: systemClock, logger: silentLogger() })

    expect(await files.discover()).toEqual({
      KONTROL_LABELS: '{"app":"haproxy","role":"balancer"}',
      KONTROL_ANNOTATIONS: '{"note":"a\\nb"}'
    })
  })

  it('leaves out what is not mounted', async () => {
    await using dir = await tempDir()
    await writeVolume(dir, '..1', { labels: 'app="haproxy"' })
    const files = new DownwardFiles({ folder: dir.path, clock: systemClock, logger: silentLogger() })

    expect(await files.discover()).toEqual({ KONTROL_LABELS: '{"app":"haproxy"}' })
  })

  it('tells of each edit once, after the kubelet has swapped the folder', async () => {
    await using dir = await tempDir()
    await writeVolume(dir, '..1', { annotations: 'note="one"' })
    const files = new DownwardFiles({ folder: dir.path, clock: systemClock, logger: silentLogger(), pollMs: 5 })
    await files.discover()
    const seen: unknown[] = []
    const stop = files.watch((annotations) => seen.push(annotations))

    await writeVolume(dir, '..2', { annotations: 'note="two"' })
    await eventually(() => seen.length === 1)
    await writeVolume(dir, '..3', { annotations: 'note="two"\nother="x"' })
    await eventually(() => seen.length === 2)
    stop()

    expect(seen).toEqual([{ note: 'two' }, { note: 'two', other: 'x' }])
  })

  it('keeps what it knew when a file cannot be understood, and says so', async () => {
    await using dir = await tempDir()
    await writeVolume(dir, '..1', { annotations: 'note="one"' })
    const { logger, lines } = recordingLogger()
    const files = new DownwardFiles({ folder: dir.path, clock: systemClock, logger, pollMs: 5 })
    await files.discover()
    const seen: unknown[] = []
    const stop = files.watch((annotations) => seen.push(annotations))

    await writeVolume(dir, '..2', { annotations: 'broken' })
    await eventually(() => lines.some(({ msg }) => msg === 'annotations not read'))
    await writeVolume(dir, '..3', { annotations: 'note="three"' })
    await eventually(() => seen.length === 1)
    stop()

    expect(seen).toEqual([{ note: 'three' }])
  })
})
