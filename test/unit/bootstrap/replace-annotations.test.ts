import { describe, expect, it, vi } from 'vitest'
import { replaceAnnotations } from '../../../src/bootstrap/edges.ts'
import { recordingLogger } from '../../support/test-logger.ts'

describe('annotations that are edited', () => {
  it('leave DNS as it is where they cannot be read, as a proxy that leaves would else stay in its record', () => {
    const configure = vi.fn()
    const { logger, lines } = recordingLogger()
    const replace = (annotations: Record<string, string>): void =>
      replaceAnnotations({ dns: { configure } as never, slave: undefined }, annotations, logger)

    replace({ 'haproxy.unity3d.com/route53': 'foo.bar.com' })
    expect(configure).toHaveBeenCalledTimes(1)
    replace({ 'haproxy.unity3d.com/route53': 'not a name' })
    expect(configure).toHaveBeenCalledTimes(1)
    expect(lines).toMatchObject([{ msg: 'dns annotations stay as they were' }])
    replace({})
    expect(configure).toHaveBeenLastCalledWith(undefined)
  })
})
