import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { KontrolError } from '../../../src/errors.ts'
import { TemplateFault } from '../../../src/jinja/template-fault.ts'
import { faultOf, renderJinja } from '../../support/jinja/render-jinja.ts'

interface CorpusCase {
  name: string
  template: string
  hosts: Record<string, string[]>
  expected?: string
  error?: { type: string; message: string; line: number | null }
}

const file = (path: string): string => readFileSync(join(import.meta.dirname, '../../..', path), 'utf8')

/** Snippets with what Jinja2 3.1.2 made of them. */
const corpus = JSON.parse(file('test/fixtures/jinja2-corpus.json')) as CorpusCase[]

/** Names in the first column of the table of intended differences. */
const intended = [...file('docs/templates.md').matchAll(/^\| `([\w-]+)` \(corpus\)/gm)].map(([, name]) => name)

describe('the corpus of Jinja2', () => {
  it.each(corpus.filter(({ name, error }) => error === undefined && !intended.includes(name)))(
    'prints $name as Jinja2 does',
    ({ template, hosts, expected }) => {
      expect(renderJinja(template, { hosts })).toBe(expected)
    }
  )

  it.each(corpus.filter(({ name, error }) => error !== undefined && !intended.includes(name)))(
    'refuses $name as Jinja2 does, at the same line',
    ({ template, hosts, error }) => {
      const fault = faultOf(() => renderJinja(template, { hosts }))

      expect(fault).toBeInstanceOf(KontrolError)
      expect((fault as KontrolError).cause).toBeInstanceOf(TemplateFault)
      expect(((fault as KontrolError).cause as TemplateFault).line).toBe(error?.line)
    }
  )

  it('differs where docs/templates.md says so, in at most 2 % of the cases', () => {
    expect(intended).toEqual(['for-iteritems', 'has_key'])
    expect(intended.length / corpus.length).toBeLessThanOrEqual(0.02)
  })

  it('takes the dict methods of Python 2, which Jinja2 on Python 3 refuses', () => {
    const hosts = { web: ['10.0.0.1'] }

    expect(renderJinja('{% for app, ips in hosts.iteritems() %}{{ app }}={{ ips[0] }}{% endfor %}', { hosts })).toBe(
      'web=10.0.0.1'
    )
    expect(
      renderJinja('{{ hosts.iterkeys()|list }}{{ hosts.itervalues()|list }}{{ hosts.has_key("x") }}', { hosts })
    ).toBe("['web'][['10.0.0.1']]False")
  })
})
