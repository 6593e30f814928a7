import { execFileSync } from 'node:child_process'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { KontrolError } from '../../../src/errors.ts'
import { parsePipeline } from '../../../src/slave/script/shell-pipeline.ts'

/** What a shell, and thus an attacker, can be interested in. */
const fragment = fc.constantFrom(
  ...['a', 'b c', '  ', "'", '"', '\\', '$', '$INPUT', '${INPUT}', '"$INPUT"', "'$INPUT'", '\\"', "\\'", '\\\\', '\\$'],
  ...[
    '|',
    ';',
    '&',
    '\n',
    '`',
    '$(',
    ')',
    '<',
    '>',
    '{',
    '}',
    '[',
    ']',
    '*',
    '?',
    '~',
    '#',
    '=',
    '%s',
    '\\\n',
    '\t',
    'é'
  ]
)
/** Without a line break in front, which the callers' lines do not have either. */
const commandLine = fc.array(fragment, { maxLength: 12 }).map((parts) => parts.join('').replace(/^\s+/, ''))
const input = '{"a": ["x  y"], "b": "it\'s"}'

/** The words that a real shell makes of each of many lines, in one run. */
function wordsInShell(lines: readonly string[]): string[][] {
  const functions = `set -f; words() { for word do printf '%s\\0' "$word"; done; printf '\\001\\0'; }`
  const script = [functions, ...lines.map((line) => `words ${line}`)].join('\n')
  const printed = execFileSync('/bin/sh', ['-c', script], { env: { INPUT: input }, encoding: 'utf8' })
  const all: string[][] = [[]]
  for (const word of printed.split('\0').slice(0, -1)) {
    if (word === '\x01') all.push([])
    else all.at(-1)?.push(word)
  }
  return all.slice(0, -1)
}

function parse(line: string): string[][] | undefined {
  try {
    return parsePipeline(line, { INPUT: input })
  } catch (error) {
    expect(error).toBeInstanceOf(KontrolError)
    expect((error as KontrolError).code).toBe('KTL_FORBIDDEN')
    return undefined
  }
}

describe('parsePipeline, for any text', () => {
  it('gives the words of /bin/sh, or refuses', () => {
    fc.assert(
      fc.property(fc.array(commandLine, { minLength: 100, maxLength: 100 }), (lines) => {
        const understood = lines.filter((line) => parse(line)?.length === 1)

        expect(understood.map((line) => parse(line)?.[0])).toEqual(wordsInShell(understood))
      }),
      { numRuns: 50 }
    )
  })

  it('never passes on what only a shell can do', () => {
    fc.assert(
      fc.property(
        commandLine,
        fc.constantFrom(';', '&', '>', '<', '`', '(', ')'),
        commandLine,
        (before, special, after) => {
          const unquoted = /^[a-z {}=%[\]]*$/
          fc.pre(unquoted.test(before))

          expect(parse(`${before}${special}${after}`)).toBeUndefined()
        }
      )
    )
  })
})
