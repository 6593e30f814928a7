import { describe, expect, it } from 'vitest'
import { parseConfig, splitWords } from '../../../../src/haproxy/config/parser.ts'

describe('splitWords', () => {
  it.each([
    ['  bind   *:80\t# all', ['bind', '*:80']],
    ['# nothing', []],
    ['', []],
    ['log-format \'a # "b" c\'', ['log-format', 'a # "b" c']],
    ['stats realm "my \\"own\\" realm"', ['stats', 'realm', 'my "own" realm']],
    ['stats realm my\\ realm\\#1', ['stats', 'realm', 'my realm#1']],
    ['http-request set-header X "a"\'b\'c', ['http-request', 'set-header', 'X', 'abc']],
    ['acl empty str ""', ['acl', 'empty', 'str', '']],
    ['bind "${HOST}:80"', ['bind', '${HOST}:80']],
    ['mode http#comment', ['mode', 'http']]
  ])('splits %j as HAProxy does', (line, words) => {
    expect(splitWords(line)).toEqual(words)
  })
})

describe('parseConfig', () => {
  it('gathers lines into sections with their numbers', () => {
    const { sections } = parseConfig('frontend web\n  bind *:80\n\n# about b\nbackend b\n  server s 1.2.3.4:80 check\n')

    expect(sections).toEqual([
      { kind: 'frontend', name: 'web', number: 1, lines: [{ number: 2, words: ['bind', '*:80'] }] },
      { kind: 'backend', name: 'b', number: 5, lines: [{ number: 6, words: ['server', 's', '1.2.3.4:80', 'check'] }] }
    ])
  })
})
