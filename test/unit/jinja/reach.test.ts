import { describe, expect, it } from 'vitest'
import { faultOf, renderJinja } from '../../support/jinja/render-jinja.ts'

const attempts = [
  "{{ ''.constructor.constructor('return process')() }}",
  "{{ [].constructor('x') }}",
  '{{ {}.constructor.x }}',
  '{{ (1).constructor.x }}',
  '{{ 1.5.constructor.x }}',
  '{{ true.constructor.x }}',
  '{{ none.constructor.x }}',
  '{{ hosts.__proto__.x }}',
  '{{ hosts.constructor.x }}',
  '{{ range.constructor.x }}',
  '{{ range.run.x }}',
  '{{ joiner.prototype.x }}',
  "{{ ('a'|e).text.x }}",
  '{{ cycler(1).items.x }}',
  '{{ namespace(a=1).constructor.x }}',
  '{% macro m() %}{% endmacro %}{{ m.constructor.x }}',
  '{% for x in [1] %}{{ loop.constructor.x }}{% endfor %}',
  '{{ self.constructor.x }}',
  '{{ hosts.items.constructor.x }}',
  "{{ 'a'['constructor']['x'] }}",
  "{{ ('a'|attr('constructor')).x }}",
  "{{ '{0.constructor}'.format('a') }}",
  "{{ '{0[constructor]}'.format({}) }}",
  "{{ '%(constructor)s' % {} }}",
  '{{ 1|constructor }}',
  '{{ 1|toString }}',
  '{{ 1 is constructor }}',
  '{% constructor %}',
  '{% __proto__ %}',
  '{{ process.x }}',
  '{{ globalThis.x }}',
  "{{ require('fs') }}",
  "{% include '/etc/passwd' %}",
  "{% import 'x' as y %}",
  "{% extends '/etc/passwd' %}"
]

describe('what a template can reach', () => {
  it.each(attempts)('does not include what %s asks for', (template) => {
    expect(faultOf(() => renderJinja(template, { hosts: {} }))).toMatchObject({ code: 'KTL_TEMPLATE_INVALID' })
  })

  it.each([
    'process',
    'globalThis',
    'require',
    'module',
    'console',
    'constructor',
    '__proto__',
    'toString',
    'hasOwnProperty'
  ])('has no variable %s', (name) => {
    expect(renderJinja(`{{ ${name} is defined }}[{{ ${name} }}]`)).toBe('False[]')
  })

  it.each(['10', 'length', 'constructor', 'items', '__proto__', 'toString', 'get'])(
    'takes an app named %s for a plain key, in its place',
    (app) => {
      const hosts = new Map([
        ['zz', ['10.0.0.9']],
        [app, ['10.0.0.1']]
      ])

      expect(renderJinja(`{% for a in hosts %}{{ a }} {% endfor %}{{ hosts['${app}'][0] }}`, { hosts })).toBe(
        `zz ${app} 10.0.0.1`
      )
    }
  )

  it('sets variables of any name without touching anything else', () => {
    const template = '{% set __proto__ = 1 %}{% set constructor = 2 %}{{ __proto__ }}{{ constructor }}{{ toString }}'

    expect(renderJinja(template)).toBe('12')
    expect(({} as Record<string, unknown>).polluted).toBeUndefined()
  })

  it('does not include the data that was given: changes stay inside', () => {
    const hosts = new Map([['web', ['10.0.0.1']]])

    expect(renderJinja("{{ hosts.web.append('x') }}{{ hosts.clear() }}{{ hosts }}", { hosts })).toBe('NoneNone{}')
    expect(hosts).toEqual(new Map([['web', ['10.0.0.1']]]))
  })
})
