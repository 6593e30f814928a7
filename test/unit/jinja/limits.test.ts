import { describe, expect, it } from 'vitest'
import { JinjaTemplate } from '../../../src/jinja/template.ts'
import { faultOf, renderJinja } from '../../support/jinja/render-jinja.ts'

const NAMESPACE = "{% set ns = namespace(s='ab', l=[1], m=[1], x=3, d={}) %}"
const OUTPUT = 'characters of output'
const STEPS = 'steps'
const DEEP = 'nested too deeply'

const endless: readonly (readonly [name: string, template: string, limit: string])[] = [
  ['loops in loops', '{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}', STEPS],
  ['a range without end', '{{ range(10 ** 18) }}', STEPS],
  ['a repeated text', "{{ 'a' * 10 ** 9 }}", OUTPUT],
  ['a repeated list', '{{ [1] * 10 ** 9 }}', STEPS],
  ['a macro that calls itself', '{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}', 'levels of recursion'],
  [
    'a macro that calls itself twice',
    '{% macro m(n) %}{% if n %}{{ m(n - 1) }}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(60) }}',
    STEPS
  ],
  ['a block that prints itself', '{% block a %}{{ self.a() }}{% endblock %}', 'levels of recursion'],
  ['a loop that descends for ever', '{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}', 'levels of recursion'],
  ['a text that doubles', `${NAMESPACE}{% for i in range(99) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}`, OUTPUT],
  [
    'a text that grows by replace',
    `${NAMESPACE}{% for i in range(99) %}{% set ns.s = ns.s|replace('a', 'aaa') %}{% endfor %}`,
    STEPS
  ],
  ['a list that doubles', `${NAMESPACE}{% for i in range(99) %}{% set ns.l = ns.l + ns.l %}{% endfor %}`, STEPS],
  [
    'a list that holds itself twice, over and over',
    `${NAMESPACE}{% for i in range(99) %}{% set ns.l = [ns.l, ns.l] %}{% endfor %}{{ ns.l }}`,
    'parts'
  ],
  [
    'two such lists compared',
    `${NAMESPACE}{% for i in range(99) %}{% set ns.l = [ns.l, ns.l] %}{% set ns.m = [ns.m, ns.m] %}{% endfor %}{{ ns.l == ns.m }}`,
    STEPS
  ],
  [
    'lists in lists in lists',
    `${NAMESPACE}{% for i in range(99999) %}{% set ns.l = [ns.l] %}{% endfor %}{{ ns.l }}`,
    DEEP
  ],
  ['a list that its own loop feeds', '{% set l = [1] %}{% for x in l %}{% set _ = l.append(x) %}{% endfor %}', STEPS],
  [
    'copies of a list that are all kept',
    '{% set l = range(60000)|list %}{% set ns = namespace(kept=[]) %}{% for i in range(9999) %}{% set _ = ns.kept.append(l + [i]) %}{% endfor %}',
    'copied items of lists'
  ],
  [
    'copies by copy() that are all kept',
    '{% set l = range(60000)|list %}{% set ns = namespace(kept=[]) %}{% for i in range(9999) %}{% set _ = ns.kept.append(l.copy()) %}{% endfor %}',
    'copied items of lists'
  ],
  ['an int that squares', `${NAMESPACE}{% for i in range(99) %}{% set ns.x = ns.x * ns.x %}{% endfor %}`, 'bits'],
  ['a power', '{{ 7 ** 100000000 }}', 'bits'],
  [
    'products of large ints',
    '{% set b = 2 ** 32000 - 1 %}{% for i in range(40000) %}{% set c = b * b %}{% endfor %}',
    STEPS
  ],
  [
    'remainders of large ints',
    '{% set b = 2 ** 32000 - 1 %}{% set b = b * b %}{% set d = 2 ** 31000 + 1 %}{% for i in range(40000) %}{% set c = b % d %}{% endfor %}',
    STEPS
  ],
  [
    'long numbers that are read',
    "{% set t = '9' * 4300 %}{% for i in range(1000000) %}{% set c = t|int %}{% endfor %}",
    STEPS
  ],
  ['a long text that is looked for', `{{ ('b' ~ 'a' * 400000) in 'a' * 900000 }}`, STEPS],
  ['a long text that is counted', `{{ ('a' * 900000).count('b' ~ 'a' * 400000) }}`, STEPS],
  ['a long text that is replaced', `{{ ('a' * 900000)|replace('b' ~ 'a' * 400000, '') }}`, STEPS],
  ['a width in a percent format', "{{ '%1000000000d' % 1 }}", OUTPUT],
  ['a precision in a format', "{{ '{:.1000000000f}'.format(1) }}", OUTPUT],
  ['a padded text', "{{ 'x'|center(10 ** 9) }}", OUTPUT],
  ['an indentation', "{{ 'x'|indent(10 ** 9) }}", OUTPUT],
  ['a filled batch', "{{ [1]|batch(10 ** 9, 'x')|list }}", STEPS],
  ['a long format string', "{{ ('{[' * 90000).format() }}", 'characters in a format string'],
  [
    'a long text over and over',
    `${NAMESPACE}{% set t = 'a' * 999999 %}{% for i in range(99999) %}{% set ns.s = t|upper %}{% endfor %}`,
    STEPS
  ],
  ['a long sum', `{{ 1${' + 1'.repeat(20_000)} }}`, DEEP],
  ['many brackets', `{{ ${'('.repeat(5_000)}1${')'.repeat(5_000)} }}`, DEEP],
  ['many blocks', '{% if 1 %}'.repeat(5_000), DEEP],
  ['many filters', `{{ 1${'|string'.repeat(20_000)} }}`, DEEP],
  ['a long template', 'x'.repeat(300_000), 'characters of template']
]

// Each case runs until its limit stops it, which takes its time on a busy machine.
describe('the limits of a template', { timeout: 60_000 }, () => {
  it.each(endless)('stop %s, and name the limit', (_name, template, limit) => {
    expect(faultOf(() => renderJinja(template))).toMatchObject({
      code: 'KTL_TEMPLATE_LIMIT',
      message: expect.stringContaining(limit) as string
    })
  })

  it('count anew for each rendering', () => {
    const template = new JinjaTemplate('{% for i in range(60) %}x{% endfor %}', { limits: { steps: 300 } })

    expect([template.render(new Map()), template.render(new Map())]).toEqual(['x'.repeat(60), 'x'.repeat(60)])
  })

  it('say at which line the template went over', () => {
    expect(
      faultOf(() => renderJinja('a\nb\n{% for i in range(60) %}x{% endfor %}', {}, { limits: { steps: 100 } }))
    ).toMatchObject({
      message: expect.stringMatching(/^Template, line 3, column \d+: the template needs more than 100 steps/) as string
    })
  })

  it('do not stand in the way of stripping by a long list of characters, which takes no time', () => {
    expect(
      renderJinja("{{ ('a' * 1000000).strip('b' * 1000000 ~ 'a') }}|{{ ('a' * 1000000)|trim('b' * 1000000 ~ 'a') }}")
    ).toBe('|')
  })

  it('do not stand in the way of a long text that is looked for in one as long', () => {
    expect(renderJinja("{% set t = 'ab' * 400000 %}{{ t in t }}{{ t.count(t) }}{{ t.startswith(t) }}")).toBe(
      'True1True'
    )
  })

  it.each([
    ['a list', '{% set l = [] %}{% set _ = l.append(l) %}{{ l }}', '[[...]]'],
    ['a dict', "{% set d = {} %}{% set _ = d.update({'a': d}) %}{{ d }}", "{'a': {...}}"]
  ])('do not mind %s that holds itself', (_name, template, expected) => {
    expect(renderJinja(template)).toBe(expected)
  })
})
