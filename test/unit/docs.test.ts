import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { envTable } from '../../src/environment.ts'
import { catalogue } from '../../src/errors.ts'

const page = (name: string): string => readFileSync(join(import.meta.dirname, '../../docs', name), 'utf8')

describe('docs/configuration.md', () => {
  const rows = [...page('configuration.md').matchAll(/^\| `([A-Z_]+)` \| (.*?) \| (.*) \|$/gm)]
  const documented = rows.map(([, name, fallback, doc]) => ({ name, fallback, doc }))

  it('has one row for each variable, in the order of the table, with its default and its meaning', () => {
    const expected = Object.values(envTable).map(({ name, fallback, fallbackDoc, doc }) => ({
      name,
      fallback: fallbackDoc ?? (fallback === undefined ? 'unset' : String(fallback as string | number)),
      doc: doc.replaceAll('|', '\\|')
    }))

    expect(documented).toEqual(expected)
  })
})

describe('docs/errors.md', () => {
  const sections = page('errors.md').split(/^### /m).slice(1)
  const codes = sections.map((section) => /^`(KTL_\w+)`/.exec(section)?.[1])

  it('has one section for each code, in alphabetical order', () => {
    expect(codes).toEqual(Object.keys(catalogue).sort())
  })

  it.each(Object.entries(catalogue))('gives the status and the exit code of %s', (code, { statusCode, exitCode }) => {
    const section = sections.find((text) => text.startsWith(`\`${code}\``)) ?? ''

    expect(section).toContain(`HTTP ${statusCode}, exit ${exitCode}`)
  })

  it.each(Object.keys(catalogue))('says what to do about %s', (code) => {
    const section = sections.find((text) => text.startsWith(`\`${code}\``)) ?? ''

    // The heading, the figures, and at least a sentence.
    expect(section.split('\n').filter((line) => line.trim() !== '').length).toBeGreaterThanOrEqual(3)
  })
})
