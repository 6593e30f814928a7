import { describe, expect, it } from 'vitest'
import { faultOf, renderJinja } from '../../support/jinja/render-jinja.ts'

const pods = {
  web: [
    { ip: '10.0.0.1', payload: { weight: null, port: 8081 } },
    { ip: '10.0.0.2', payload: null }
  ]
}

const rendered: [template: string, text: string][] = [
  ['{% set w = none %}[{{ w }}]{{ w is none }}{{ w is defined }}', '[None]TrueTrue'],
  ['{% set pods = none %}[{{ pods }}]', '[None]'],
  ['{% for p in pods.web %}{% set c = p.payload %}{{ c.port|default(80) }};{% endfor %}', '8081;80;'],
  ["{% set w = pods.web[0].payload.weight %}server a{{ ' weight %s' % w if w is not none }}", 'server a'],
  ['{% macro m(a, b=3) %}{{ a }}/{{ b }}{% endmacro %}{{ m(1, none) }} {{ m(1, b=none) }}', '1/None 1/None'],
  ["{% for a in [1, none, 2] %}{{ 'N' if a is none else a }}{% endfor %}", '1N2'],
  ["{{ 'up' if false else none }}|{{ (1 if false else none) is none }}", 'None|True'],
  ["{{ {'k': none}.get('k', 5) }}{{ {'k': none}.pop('k', 5) }}", 'NoneNone'],
  ['{{ [none, 1]|first }}{{ [none]|last }}{{ [none]|min }}', 'NoneNoneNone'],
  ['{% with v = none %}{{ v }}{% endwith %}', 'None'],
  ["{% set x = none %}{{ x|default('d') }}|{{ x|default('d', true) }}|{{ x ~ 'z' }}", 'None|d|Nonez'],
  ['{% set ns = namespace(x=none) %}{{ ns.x is none }}', 'True'],
  ['{% set j = joiner(none) %}{{ j() }}{{ j() }}', 'None'],
  ["{{ [{'a': none}, {}]|map(attribute='a', default=5)|list }}", '[None, 5]'],
  ["{% for k, v in [{'a': none}]|groupby('a') %}{{ k }}{{ v|length }}{% endfor %}", 'None1'],
  ["{{ '%s|%s' % (none, nope) }}", 'None|']
]

describe('None in a template', () => {
  it.each(rendered)('%s', (template, text) => {
    expect(renderJinja(template, { pods })).toBe(text)
  })

  it('cannot be looped over, as what is undefined can', () => {
    expect(faultOf(() => renderJinja('{% for i in none %}{% endfor %}'))).toMatchObject({
      code: 'KTL_TEMPLATE_INVALID'
    })
    expect(renderJinja('{% for i in nope %}{% else %}empty{% endfor %}')).toBe('empty')
  })
})

describe('templates that look at all they have collected, at 10,000 hosts', () => {
  const ips = Array.from({ length: 10_000 }, (_, index) => `10.0.${index >> 8}.${index & 255}`)

  it.each([
    [
      'a list',
      '{% set ns = namespace(l=[]) %}{% for ip in ips %}{% set ns.l = ns.l + [ip] %}{% endfor %}{{ ns.l|length }}'
    ],
    [
      'a text',
      "{% set ns = namespace(s='') %}{% for ip in ips %}{% set ns.s = ns.s ~ ip ~ ',' %}{% endfor %}{{ ns.s.split(',')|length - 1 }}"
    ],
    [
      'what is new',
      '{% set ns = namespace(l=[]) %}{% for ip in ips if ip not in ns.l %}{% set ns.l = ns.l + [ip] %}{% endfor %}{{ ns.l|length }}'
    ]
  ])('%s', (_, template) => {
    expect(renderJinja(template, { ips })).toBe('10000')
  })
})
