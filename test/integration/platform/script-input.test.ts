import { spawnSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { fitsArgument, fitsEnvironment, variableIfItFits } from '../../../src/platform/process/script-input.ts'

const startedWith = (args: string[], env: NodeJS.ProcessEnv): boolean =>
  spawnSync('/bin/true', args, { env }).error === undefined

describe('what a process can be started with', () => {
  it.each([131_070, 131_071, 131_072, 131_073])('holds what Linux says of an argument of %d bytes', (bytes) => {
    const argument = 'x'.repeat(bytes)

    expect(fitsArgument(argument)).toBe(startedWith([argument], {}))
  })

  it.each([131_064, 131_065, 131_066, 131_067])('holds what Linux says of INPUT with %d bytes', (bytes) => {
    const value = 'x'.repeat(bytes)

    expect(fitsEnvironment('INPUT', value)).toBe(startedWith([], { INPUT: value }))
  })

  it('counts bytes, not characters', () => {
    expect(fitsArgument('ä'.repeat(65_535))).toBe(true)
    expect(fitsArgument('ä'.repeat(65_536))).toBe(false)
  })

  it('leaves out a variable that does not fit, or is none', () => {
    expect(variableIfItFits('A', 'b')).toBe('b')
    expect(variableIfItFits('A', 'b'.repeat(131_072))).toBeUndefined()
    expect(variableIfItFits('A', undefined)).toBeUndefined()
  })
})
