import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { KontrolError } from '../../../src/errors.ts'
import { Manifest, parseManifest, type ManifestOptions } from '../../../src/lifecycle/manifest/manifest.ts'

const packaged = join(import.meta.dirname, '../../../lifecycle')

function problemsOf(text: string, options?: ManifestOptions): string[] {
  try {
    parseManifest(text, options)
  } catch (error) {
    if (!(error instanceof KontrolError)) throw error
    expect(error).toMatchObject({ code: 'KTL_MANIFEST_INVALID', exitCode: 78 })
    return error.message.split('\n  - ').slice(1)
  }
  return []
}

const twoStates = (body: string): string => `initial: a
terminal: z
states:
- tag: a
${body}
- tag: z
`

describe('a lifecycle manifest', () => {
  it('of the other images is taken as it is', () => {
    const { manifest, warnings } = parseManifest(
      twoStates(
        '  shell: |\n\n    #\n    # - keep the line breaks\n    #\n    echo $INPUT\n  next: \n    - a\n    - expose-via-*\n'
      )
    )

    expect(manifest.states[0]?.shell).toBe('\n#\n# - keep the line breaks\n#\necho $INPUT\n')
    expect(warnings).toEqual(['line 13: next matches no state: "expose-via-*"'])
  })

  it('that we package knows its actions, and needs no warning', () => {
    const text = readFileSync(join(packaged, 'lifecycle.yml'), 'utf8')
    const actions = ['setup', 'render', 'configure', 'restart', 'expose-via-route53', 'shutdown']

    const { manifest, warnings } = parseManifest(text, { actions })

    expect(warnings).toEqual([])
    expect(manifest.states.flatMap(({ action }) => action ?? [])).toEqual(actions)
  })

  it('has a JSON schema that says what the parser says', () => {
    const schema = JSON.parse(readFileSync(join(packaged, 'lifecycle.schema.json'), 'utf8')) as Record<string, unknown>
    delete schema.$schema
    delete schema.title

    expect(schema).toEqual(JSON.parse(JSON.stringify(Manifest)))
  })

  it('has all its problems listed, each with its line', () => {
    const text = `initial: 7
states:
- tag: two words
  shell: 3
  nexr: [b]
  action: fly
- tag: b
  on: { done: nowhere, failed: b }
  next:
  - b
  - gone
  - '[z-a]'
  force: sometimes
- tag: b
  action: render
- shell: echo
- nothing
`
    expect(problemsOf(text, { actions: ['render', 'setup'] })).toEqual([
      'line 1: "terminal" is missing',
      'line 1: initial must be string',
      'line 3: tag must be one word',
      'line 4: shell must be string',
      'line 5: unknown key "nexr" (known: tag, shell, action, on, force, next)',
      'line 6: a state has a shell or an action',
      'line 6: unknown action "fly" (known: render, setup)',
      'line 8: on "done" names no state: "nowhere"',
      `line 12: next holds a pattern that nothing can match: "[z-a]"`,
      'line 13: force must be boolean',
      'line 16: "tag" is missing',
      'line 17: states must be object'
    ])
  })

  it('begins in idle when its initial state is unknown, as in the original', () => {
    const { warnings } = parseManifest('initial: nowhere\nterminal: z\nstates: [{tag: z}]\nowner: ops\n')

    expect(warnings).toEqual([
      'line 1: initial names no state: "nowhere"; the machine begins in "idle"',
      'line 4: unknown key "owner" is ignored'
    ])
  })

  it('runs with what the original ran with: keys and tags that are there twice, a next that names nothing', () => {
    const { manifest, warnings } = parseManifest(
      'initial: b\ninitial: a\nterminal: z\nstates:\n- tag: a\n  shell: first\n- tag: a\n  shell: second\n  next: [gone, z]\n- tag: z\n'
    )

    expect(manifest).toEqual({
      initial: 'a',
      terminal: 'z',
      states: [{ tag: 'a', shell: 'second', next: ['gone', 'z'] }, { tag: 'z' }]
    })
    expect(warnings).toEqual([
      'line 2: Map keys must be unique',
      'line 7: a second state with the tag "a" takes the place of the first',
      'line 9: next names no state: "gone"'
    ])
  })

  it('needs a terminal state that is there', () => {
    expect(problemsOf('initial: a\nterminal: z\nstates: [{tag: a}]\n')).toEqual([
      'line 2: terminal names no state: "z"'
    ])
  })

  it.each([
    ['nothing', '', 'line 1: the manifest must be object'],
    ['a list', '- a\n', 'line 1: the manifest must be object'],
    ['no states', 'initial: a\nterminal: a\nstates: []\n', 'line 3: states must not have fewer than 1 items']
  ])('that holds %s is refused', (_, text, problem) => {
    expect(problemsOf(text)).toContain(problem)
  })

  it('that is no YAML names the line', () => {
    expect(problemsOf('initial: a\nterminal: [\nstates: []\n')[0]).toMatch(/^line 3: Flow sequence/)
  })

  it('can make no object of a foreign kind', () => {
    expect(problemsOf('initial: !!python/object/apply:os.system ["id"]\n')[0]).toMatch(/^line 1: Unresolved tag/)
  })

  it('may write its booleans as YAML 1.1 does', () => {
    const { manifest } = parseManifest(twoStates('  force: yes'))

    expect(manifest.states[0]?.force).toBe(true)
  })

  it('may not lead round in a circle of states without a step', () => {
    expect(
      problemsOf('initial: a\nterminal: z\nstates:\n- tag: a\n  on: {done: b}\n- tag: b\n  on: {done: a}\n- tag: z\n')
    ).toEqual([
      'line 5: states without a step lead round in a circle',
      'line 7: states without a step lead round in a circle'
    ])
  })

  it('may go round with a step', () => {
    expect(problemsOf(twoStates('  shell: sleep 1\n  on: {done: a}'))).toEqual([])
  })

  it('written in Python is refused with a sentence', () => {
    expect(() => parseManifest('from automaton.api import state\n', { file: '/opt/lifecycle.py' })).toThrow(
      '/opt/lifecycle.py is a manifest written in Python, which is not supported'
    )
  })
})
