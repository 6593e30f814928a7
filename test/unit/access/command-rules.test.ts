import { expect, it } from 'vitest'
import { kindOf, variablesIn, type ManifestFacts } from '../../../src/access/command-rules.ts'

const manifest: ManifestFacts = {
  leadsToEnd: (tag) => tag === 'shutdown',
  takesHosts: (tag) => tag === 'configure',
  mentions: (name) => ['LEADER', 'PATH', 'LD_PRELOAD'].includes(name)
}

it.each([
  ['STATE', '', '', 'look'],
  ['GOTO', 'render', '', 'move'],
  ['WAIT', 'start', '{"a": 1}', 'move'],
  ['WAIT', 'configure', '', 'move'],
  ['WAIT', 'configure', '{}', 'feed'],
  ['GOTO', 'shutdown', '', 'end'],
  ['DIE', '', '', 'end'],
  ['SET', 'LEADER', 'x', 'set'],
  ['SET', 'OTHER', 'x', 'steer'],
  ['SET', 'PATH', '/tmp', 'steer'],
  ['SET', 'LD_PRELOAD', 'x', 'steer']
] as const)('%s %s %s is to %s', (verb, subject, input, kind) => {
  expect(kindOf({ verb, subject, input }, manifest)).toBe(kind)
})

it.each(['BASH_ENV', 'ENV', 'IFS', 'PERL5OPT', 'PYTHONPATH', 'NODE_OPTIONS', 'RUBYOPT', 'LD_LIBRARY_PATH', 'PATH'])(
  'never lets %s be set from the network, mentioned or not',
  (name) => {
    expect(kindOf({ verb: 'SET', subject: name, input: 'x' }, { ...manifest, mentions: () => true })).toBe('steer')
  }
)

it('finds the variables of a block', () => {
  expect(variablesIn('echo $A "${B:-x}" ${#C} $1 $$ \'$D\' a$E_1b ${!F}')).toEqual(['A', 'B', 'C', 'D', 'E_1b', 'F'])
})
