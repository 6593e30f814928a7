import { mkdir, readFile, rmdir } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { ExternalAddress } from '../../../src/steps/external-address.ts'
import { tempDir, type TempDir } from '../../support/temp-dir.ts'
import { silentLogger } from '../../support/test-logger.ts'

const context = { input: '', handed: undefined, variables: {}, signal: new AbortController().signal }

describe('the external address', () => {
  const written = async (dir: TempDir): Promise<unknown> => JSON.parse(await readFile(dir.file('state.json'), 'utf8'))
  const addressIn = (dir: TempDir, eip?: string): ExternalAddress =>
    new ExternalAddress({ eip, payloadFile: dir.file('state.json'), logger: silentLogger() })

  it('becomes the payload once a step has made HAProxy run what was wanted', async () => {
    await using dir = await tempDir()
    const outcomes = ['failed', 'reload', 'applied']
    const step = addressIn(dir, '1.2.3.4').after(async () => outcomes.shift() ?? '', ['unchanged', 'applied'])

    for (const outcome of ['failed', 'reload']) {
      expect(await step(context)).toBe(outcome)
      await expect(written(dir)).rejects.toMatchObject({ code: 'ENOENT' })
    }
    expect(await step(context)).toBe('applied')

    expect(await written(dir)).toEqual({ eip: '1.2.3.4' })
  })

  it('is written again after the next step where it could not be, which is no failure of the step', async () => {
    await using dir = await tempDir()
    await mkdir(dir.file('state.json'))
    const step = addressIn(dir, '1.2.3.4').after(async () => 'done', ['done'])

    expect(await step(context)).toBe('done')
    await rmdir(dir.file('state.json'))
    await step(context)

    expect(await written(dir)).toEqual({ eip: '1.2.3.4' })
  })

  it('leaves the payload alone when there is none', async () => {
    await using dir = await tempDir()

    await addressIn(dir).tell()

    await expect(written(dir)).rejects.toMatchObject({ code: 'ENOENT' })
  })
})
