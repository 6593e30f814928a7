import { readFile } from 'node:fs/promises'
import { catalogue } from '../../errors.ts'
import { defineCommand, usageError } from '../command.ts'

/** The page of errors, as it was when the program was built; beside the sources it is where it is written. */
const PAGES = [new URL('../../errors.md', import.meta.url), new URL('../../../docs/errors.md', import.meta.url)]

export const explain = defineCommand({
  summary: 'Tell what an error code means, and what to do',
  usage: '<code>',
  takes: 1,
  options: {},
  optionDocs: {},
  async run({ positionals: [typed] }, { stdout }) {
    if (typed === undefined) throw usageError('explain takes an error code', codesLike(''))
    const code = typed.toUpperCase().replace(/^(?!KTL_)/, 'KTL_')
    const page = await firstOf(PAGES)
    const section = page.split(/^##+ /m).find((text) => text.startsWith(`\`${code}\`\n`))
    if (section === undefined) throw usageError(`There is no error code "${typed}"`, codesLike(code))
    stdout(section.replaceAll('`', '').trim())
  }
})

function codesLike(code: string): string {
  const all = Object.keys(catalogue)
  const [, family] = /^(KTL_[A-Z]+)/.exec(code) ?? []
  const near = family === undefined ? [] : all.filter((one) => one.startsWith(family))
  return `Codes: ${(near.length > 0 ? near : all).join(', ')}.`
}

async function firstOf(pages: readonly URL[]): Promise<string> {
  const [first, ...others] = pages
  if (first === undefined) return ''
  return await readFile(first, 'utf8').catch(() => firstOf(others))
}
