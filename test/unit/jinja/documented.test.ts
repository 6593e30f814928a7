import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { haproxyFilters } from '../../../src/render/template-filters.ts'
import { builtInFilters } from '../../../src/jinja/filters/built-in-filters.ts'
import { builtInGlobals } from '../../../src/jinja/filters/globals.ts'
import { builtInTests } from '../../../src/jinja/filters/tests.ts'
import { renderJinja } from '../../support/jinja/render-jinja.ts'

const page = readFileSync(join(import.meta.dirname, '../../../docs/templates.md'), 'utf8')
const hosts = { api: ['10.0.1.1'], web: ['10.0.0.1', '10.0.0.2'] }

/** Rows of the tables of names: what they list, the example, and what it prints. */
const rows = [...page.matchAll(/^\| +((?:`[^`]+`(?:, )?)+) +\| +`(\{.*?)` +\| +`(.*?)` +\|$/gm)].map(
  ([, names = '', example = '', printed = '']) => ({
    names: [...names.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name),
    example: example.replaceAll('\\|', '|'),
    printed: printed.replaceAll('\\|', '|')
  })
)

const documented = (name: string): boolean => rows.some(({ names }) => names.includes(name))

describe('docs/templates.md', () => {
  it.each(rows)('shows what $example prints', ({ example, printed }) => {
    // A code span cannot show white space at its ends.
    expect(renderJinja(example, { hosts }, { filters: haproxyFilters }).trim()).toBe(printed.trim())
  })

  it('has a row with an example for every name that a template can use', () => {
    const names = [...builtInFilters.keys(), ...haproxyFilters.keys(), ...builtInTests.keys(), ...builtInGlobals.keys()]

    expect(names.filter((name) => !documented(name))).toEqual([])
  })

  it('has no row for a name that does not exist', () => {
    const known = [builtInFilters, haproxyFilters, builtInTests, builtInGlobals]

    expect(rows.flatMap(({ names }) => names).filter((name) => !known.some((table) => table.has(name)))).toEqual([])
  })
})
