import { readFile } from 'node:fs/promises'
import { catalogue } from '../../errors.ts'
import { defineCommand, usageError } from '../command.ts'
import { wrapped } from '../output/wrapped.ts'

/** The page of errors, as it was when the program was built; beside the sources it is where it is written. */
const PAGES = [new URL('../../errors.md', import.meta.url), new URL('../../../docs/errors.md', import.meta.url)]

export const explain = defineCommand({
  summary: 'Tell what an error code means, and what to do',
  usage: '<code> [--json]',
  takes: 1,
  options: { json: { type: 'boolean', default: false } },
  optionDocs: { json: 'Print JSON' },
  async run({ values, positionals: [typed] }, { stdout, columns }) {
    if (typed === undefined) throw usageError('explain takes an error code', codesLike(''))
    const code = typed.toUpperCase().replace(/^(?!KTL_)/, 'KTL_')
    const page = await firstOf(PAGES)
    const section = page.split(/^##+ /m).find((text) => text.startsWith(`\`${code}\`\n`))
    if (section === undefined) throw usageError(`There is no error code "${typed}"`, codesLike(code))
    const paragraphs = section.trim().split('\n\n').slice(1).map(plain)
    if (values.json) return stdout(JSON.stringify({ code, paragraphs }))
    const width = Math.min(columns() ?? WIDEST, WIDEST)
    stdout([code, ...paragraphs.map((text) => wrapped(text, width))].join('\n\n'))
  }
})

/** In columns: prose in longer lines is hard to read. */
const WIDEST = 100

/** A paragraph on one line, but for what is a list; what it refers to by name alone. */
const plain = (paragraph: string): string =>
  paragraph
    .replaceAll(/\n(?!\s*[-*|] )/g, ' ')
    .replaceAll('**', '')
    .replaceAll(/\[([^\]]+)\]\(([^)]*)\)/g, (_, words: string, target: string) =>
      target.startsWith('#') ? words : `${words} (docs/${target})`
    )

function codesLike(code: string): string {
  const all = Object.keys(catalogue).sort()
  const [, family] = /^(KTL_[A-Z]+)/.exec(code) ?? []
  const near = family === undefined ? [] : all.filter((one) => one.startsWith(family))
  return `Codes: ${(near.length > 0 ? near : all).join(', ')}.`
}

async function firstOf(pages: readonly URL[]): Promise<string> {
  const [first, ...others] = pages
  if (first === undefined) return ''
  return await readFile(first, 'utf8').catch(() => firstOf(others))
}
