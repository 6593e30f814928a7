import { writeFile, rm } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { startService } from '../support/service/start-service.ts'
import { tempDir } from '../support/temp-dir.ts'

describe('a slave with a check', () => {
  it('reports while its service is well, says goodbye when it is not, and comes back', async () => {
    await using dir = await tempDir()
    const flag = dir.file('well')
    await using master = await startService()
    await using slave = await startService({
      env: {
        KONTROL_MODE: 'slave',
        KONTROL_LABELS: '{"app":"web","role":"backend"}',
        KONTROL_ANNOTATIONS: JSON.stringify({ 'kontrol.unity3d.com/master': `127.0.0.1:${master.port}` }),
        KONTROL_ID: 'web-0',
        KONTROL_CHECK: `exec:test -e ${flag}`,
        KONTROL_CHECK_INTERVAL: '0.2',
        KONTROL_CHECK_RISE: '2',
        KONTROL_CHECK_FALL: '2'
      }
    })
    const pods = async (): Promise<number> =>
      (await master.json<{ pods: unknown[] }>('/api/v1/pods?app=web')).pods.length
    await eventually(() => slave.output.includes('service is not well yet'))
    expect(await pods()).toBe(0)

    await writeFile(flag, '')
    await eventually(async () => (await pods()) === 1)

    // Sooner than its TTL of 25 s would tell.
    await rm(flag)
    await eventually(async () => (await pods()) === 0)
    expect(master.output).toContain('"reason":"down"')

    await writeFile(flag, '')
    await eventually(async () => (await pods()) === 1)
  })
})
