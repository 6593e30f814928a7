import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { stringifyJson } from '../../../src/model/json/json.ts'
import { parsePods } from '../../../src/model/json/pods.ts'
import type { Registry } from '../../../src/registry/registry.ts'
import { hiddenClasses } from '../../support/hidden-classes.ts'
import { admit, keepaliveOf, openRegistry } from '../../support/load/known-pods.ts'
import { tempDir, type TempDir } from '../../support/temp-dir.ts'

const PODS = 60

const fleet = Array.from({ length: PODS }, (_, pod) => keepaliveOf(pod, 3))

/** Far fewer than one a pod: the first objects of a place in the code may differ from those that follow. */
const FEW = 5

describe('pods share their hidden class', () => {
  let folder: TempDir
  let registry: Registry

  beforeEach(async () => {
    folder = await tempDir()
    registry = await openRegistry(folder.path)
    await admit(registry, fleet)
  })

  afterEach(async () => {
    await registry.close()
    await folder[Symbol.asyncDispose]()
  })

  it('as keepalives bring them', () => {
    expect(registry.snapshot().pods).toHaveLength(PODS)
    expect(hiddenClasses(registry.snapshot().pods)).toBeLessThan(FEW)
  })

  it('as a keepalive changes them', async () => {
    await admit(
      registry,
      fleet.map((said) => ({ ...said, payload: { zone: 'b' } }))
    )
    expect(registry.snapshot().pods.every(({ payload }) => stringifyJson(payload) === '{"zone":"b"}')).toBe(true)
    expect(hiddenClasses(registry.snapshot().pods)).toBeLessThan(FEW)
  })

  it('as a store has them', async () => {
    await registry.close()
    registry = await openRegistry(folder.path)
    expect(registry.snapshot().pods).toHaveLength(PODS)
    expect(hiddenClasses(registry.snapshot().pods)).toBeLessThan(FEW)
  })

  it('with their times', () => {
    const pods = [...registry.pods()]
    expect(pods).toHaveLength(PODS)
    expect(hiddenClasses(pods)).toBeLessThan(FEW)
  })

  it('as a list brings them', () => {
    const pods = [...parsePods(stringifyJson(registry.snapshot().pods)).values()].flat()
    expect(pods).toHaveLength(PODS)
    expect(hiddenClasses(pods)).toBeLessThan(FEW)
  })
})
