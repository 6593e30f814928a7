import { execFileSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { parsePipeline } from '../../../src/slave/script/shell-pipeline.ts'

const variables = { INPUT: '{"a": ["x  y"], "b": "*"}', EMPTY: '', SPACES: ' p  q ' }

describe('parsePipeline', () => {
  it.each([
    [`echo a  b`, [['echo', 'a', 'b']]],
    [
      `echo a|cat -`,
      [
        ['echo', 'a'],
        ['cat', '-']
      ]
    ],
    [`echo 'it''s "x" $INPUT \\n'`, [['echo', 'its "x" $INPUT \\n']]],
    [String.raw`echo "a \"b\" \\ \$INPUT \x '"`, [['echo', `a "b" \\ $INPUT \\x '`]]],
    [`echo "$INPUT"`, [['echo', variables.INPUT]]],
    [`echo "<\${INPUT}>"`, [['echo', `<${variables.INPUT}>`]]],
    [`echo \${INPUT}`, [['echo', '{"a":', '["x', 'y"],', '"b":', '"*"}']]],
    [`echo x$SPACES'y'`, [['echo', 'x', 'p', 'q', 'y']]],
    [`echo $EMPTY "$EMPTY" ''`, [['echo', '', '']]],
    [String.raw`echo a\ b \" \\ \$x`, [['echo', 'a b', '"', '\\', '$x']]],
    [`echo {a:[1,2]}`, [['echo', '{a:[1,2]}']]],
    [`echo a#b c~d`, [['echo', 'a#b', 'c~d']]],
    ['echo a\\\nb \\\n c', [['echo', 'ab', 'c']]],
    [`echo 'two\nlines'\n`, [['echo', 'two\nlines']]],
    [`echo "100$ and $"`, [['echo', '100$ and $']]]
  ])('reads %j as a shell does', (text, commands) => {
    expect(parsePipeline(text, variables)).toEqual(commands)
  })

  it.each([
    `echo a b`,
    `echo 'it''s "x" $INPUT' "$INPUT" $INPUT`,
    String.raw`echo "a \"b\" \$INPUT '" a\ b \"`,
    `echo x$SPACES'y' $EMPTY "$EMPTY" "<\${INPUT}>"`,
    'echo a\\\nb {a:[1,2]} a#b "100$ "'
  ])('gives the words that /bin/sh gives for %j', (text) => {
    // "set -f" as no file is looked for, with or without a shell.
    const script = `set -f; words() { for word do printf '%s\\0' "$word"; done; }; ${text.replace('echo', 'words')}`
    const printed = execFileSync('/bin/sh', ['-c', script], { env: variables, encoding: 'utf8' })

    expect(parsePipeline(text, variables)).toEqual([['echo', ...printed.split('\0').slice(0, -1)]])
  })

  it.each([
    ['a second command', 'echo a; reboot'],
    ['a background job', 'echo a & reboot'],
    ['a list', 'echo a && reboot'],
    ['an alternative', 'echo a || reboot'],
    ['a second line', 'echo a\nreboot'],
    ['a redirection', 'echo a > /etc/passwd'],
    ['an input', 'cat < /etc/passwd'],
    ['a subshell', '(reboot)'],
    ['a substitution', 'echo $(reboot)'],
    ['back-ticks', 'echo `reboot`'],
    ['a substitution in quotes', 'echo "$(reboot)"'],
    ['back-ticks in quotes', 'echo "`reboot`"'],
    ['arithmetic', 'echo "$((1+1))"'],
    ['an expansion with an operator', 'echo "${INPUT:-x}"'],
    ['an expansion with an operator, unquoted', 'echo ${INPUT#x}'],
    ['another variable', 'echo $HOME'],
    ['another variable in quotes', 'echo "$KONTROL_TOKEN"'],
    ['a special variable in quotes', 'echo "$*"'],
    ['the process id in quotes', 'echo "$$"'],
    ['a name that goes on in the next line', 'echo $INPUT\\\nx'],
    ['a name that goes on in the next line, in quotes', 'echo "$INPUT\\\nx"'],
    ['a name that begins in the next line', 'echo "$\\\nINPUT"'],
    ['a variable of JavaScript', 'echo $constructor'],
    ['a pattern', 'echo *'],
    ['a home folder', 'echo ~root'],
    ['a comment', 'echo a # b'],
    ['a quote that is open', `echo 'a`],
    ['a double quote that is open', `echo "a`],
    ['a backslash at the end', 'echo \\']
  ])('refuses %s', (_what, text) => {
    expect(() => parsePipeline(text, variables)).toThrowError('needs a shell')
  })
})
