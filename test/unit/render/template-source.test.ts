import { renameSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import { describe, expect, it, vi } from 'vitest'
import { systemClock } from '../../../src/platform/clock.ts'
import { TemplateSource } from '../../../src/render/template-source.ts'
import { eventually } from '../../support/eventually.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { tempDir } from '../../support/temp-dir.ts'

const annotation = 'haproxy.unity3d.com/config'

describe('TemplateSource', () => {
  it('reads the annotation', () => {
    const source = new TemplateSource({ file: undefined, annotations: { [annotation]: 'frontend f' } })

    expect(source.isConfigured()).toBe(true)
    expect(source.read()).toBe('frontend f')
  })

  it('says what to set when there is none', () => {
    const source = new TemplateSource({ file: undefined, annotations: {} })

    expect(source.isConfigured()).toBe(false)
    expect(() => source.read()).toThrowError(expect.objectContaining({ code: 'KTL_TEMPLATE_MISSING' }) as Error)
  })

  it('tells of an edited annotation, and not of an edit of another one', () => {
    const onChange = vi.fn()
    const source = new TemplateSource({ file: undefined, annotations: { [annotation]: 'one' } })
    source.watch(systemClock, onChange)

    source.replaceAnnotations({ [annotation]: 'one', other: 'x' })
    expect(onChange).not.toHaveBeenCalled()
    source.replaceAnnotations({ [annotation]: 'two' })

    expect(onChange).toHaveBeenCalledWith(`annotation ${annotation} changed`)
    expect(source.read()).toBe('two')
  })

  it('prefers the file, and notices when a mounted ConfigMap moves its link', async () => {
    await using dir = await tempDir()
    writeFileSync(dir.file('one'), 'one')
    writeFileSync(dir.file('two'), 'two')
    symlinkSync('one', dir.file('template'))
    const onChange = vi.fn()
    const source = new TemplateSource({ file: dir.file('template'), annotations: { [annotation]: 'unused' } })
    source.watch(systemClock, onChange)
    expect(source.read()).toBe('one')

    symlinkSync('two', dir.file('next'))
    renameSync(dir.file('next'), dir.file('template'))

    await eventually(() => onChange.mock.calls.length > 0)
    expect(source.read()).toBe('two')
    source.close()
  })

  it('notices a file that is replaced by one of the same size and modification time', async () => {
    await using dir = await tempDir()
    writeFileSync(dir.file('template'), 'one')
    const { atime, mtime } = statSync(dir.file('template'))
    const onChange = vi.fn()
    const source = new TemplateSource({ file: dir.file('template'), annotations: {} })
    source.watch(systemClock, onChange)

    writeFileSync(dir.file('template'), 'two')
    utimesSync(dir.file('template'), atime, mtime)

    await eventually(() => onChange.mock.calls.length > 0)
    source.close()
  })

  it('does not tell of a file that is being written before it has come to rest', async () => {
    await using dir = await tempDir()
    writeFileSync(dir.file('template'), 'one')
    const clock = new FakeClock()
    const onChange = vi.fn()
    const source = new TemplateSource({ file: dir.file('template'), annotations: {} })
    source.watch(clock, onChange)

    const look = async () => {
      clock.advance(250)
      await setImmediate()
    }

    for (const text of ['', 'two ', 'two three']) {
      writeFileSync(dir.file('template'), text)
      await look()
    }
    expect(onChange).not.toHaveBeenCalled()

    await look()
    expect(onChange).toHaveBeenCalledTimes(1)
    await look()
    await look()
    expect(onChange).toHaveBeenCalledTimes(1)
    source.close()
  })

  it('names a file that cannot be read', () => {
    const source = new TemplateSource({ file: '/nowhere/template', annotations: {} })

    expect(() => source.read()).toThrowError(/\/nowhere\/template cannot be read/)
  })
})
