import { describe, expect, it } from 'vitest'
import { splitShellWords } from '../../../src/platform/process/shell-words.ts'

describe('splitShellWords', () => {
  it.each([
    ['python  /callback.py', ['python', '/callback.py']],
    ['  a\tb\n', ['a', 'b']],
    ['', []],
    ['\'a b\' "c d"', ['a b', 'c d']],
    ['a\'b\'"c"d', ['abcd']],
    ['\'\' "" x', ['', '', 'x']],
    [String.raw`a\ b \' \\`, ['a b', "'", '\\']],
    [String.raw`"a \"b\" \\ \c $d"`, ['a "b" \\ \\c $d']],
    [String.raw`'\a'`, ['\\a']],
    ['a#b #c', ['a#b', '#c']],
    ['a|b;c&d $e *', ['a|b;c&d', '$e', '*']]
  ])('splits %j as shlex.split does', (text, words) => {
    expect(splitShellWords(text)).toEqual(words)
  })

  it.each([
    ["a 'b", 'has a quote that is not closed, at character 3'],
    ['a"b\\"', 'has a quote that is not closed, at character 2'],
    ['a \\', 'ends in a backslash']
  ])('refuses %j', (text, problem) => {
    expect(() => splitShellWords(text)).toThrowError(`The command ${problem}: ${text}`)
  })
})
