import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { envTable } from '../../src/environment.ts'
import { catalogue } from '../../src/errors.ts'
import { commandBlocks, pages, readPage, REASONS } from '../support/docs/command-blocks.ts'

const root = join(import.meta.dirname, '../..')
const page = (name: string): string => readFileSync(join(root, 'docs', name), 'utf8')

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

describe('docs/kontrol-compatibility.md', () => {
  // The tables of the guides, behind them, are others.
  const [tables = ''] = page('kontrol-compatibility.md').split('\n## A move, ')
  const rows = tables
    .split('\n')
    .filter((line) => line.startsWith('| '))
    .map((line) => line.split(/(?<!\\)\|/).map((cell) => cell.trim()))
    .filter(([, first = '']) => first !== 'behaviour of Kontrol' && !first.startsWith('---'))

  it('has the behaviours of each part', () => {
    expect(rows.length).toBeGreaterThanOrEqual(88)
  })

  it.each(rows.map(([, behaviour = '', here = '', tests = '']) => ({ behaviour, here, tests })))(
    'says what became of "$behaviour", and names a test that there is',
    ({ here, tests }) => {
      const files = [...tests.matchAll(/`([^`]+)`/g)].map(([, file = '']) => file)

      expect(here).toMatch(/^(same|better|dropped)\b/)
      expect(files).not.toEqual([])
      expect(files.filter((file) => !file.endsWith('.test.ts') || !existsSync(join(root, file)))).toEqual([])
    }
  )
})

describe('the commands of the README and the pages', () => {
  const marks = ['runnable', 'runnable: runs on', ...REASONS.map((reason) => `not run: ${reason}`)]

  it.each(pages().filter((name) => commandBlocks(name).length > 0))(
    'say in %s whether a test runs them, or why not',
    (name) => {
      const unclear = commandBlocks(name).filter(
        ({ mark = '' }) => !marks.includes(mark) && !/^runnable: exits with \d+$/.test(mark)
      )

      expect(unclear.map(({ line, mark }) => ({ line, mark }))).toEqual([])
    }
  )

  it.each(pages())('stand in fences in %s, where they can be marked', (name) => {
    expect(readPage(name)).not.toMatch(/\n\n {4}(npm|npx|kontrol|curl|docker|kubectl|apt-get) /)
  })

  it('are run for the greater part', () => {
    const blocks = pages().flatMap(commandBlocks)

    expect(blocks.filter(({ mark = '' }) => mark.startsWith('runnable')).length).toBeGreaterThan(blocks.length / 2)
  })
})
