import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '../../..')

/** Why a block is not run by a test. */
export const REASONS = [
  'needs a cluster',
  'needs a container engine',
  'needs a setting of its own',
  'has a part to fill in',
  'shows a fault',
  'does not end',
  'is a test itself'
] as const

export interface CommandBlock {
  page: string
  /** Of its fence. */
  line: number
  /** A script of sh, or a transcript with prompts and what is printed. */
  language: 'sh' | 'console'
  text: string
  /** What the comment above it says; undefined without one. */
  mark: string | undefined
}

export interface Command {
  text: string
  /** Lines that the page shows of what it prints. */
  shown: string[]
}

/** The README, and all that is below docs. */
export function pages(): string[] {
  const below = readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
  const docs = below.filter((name) => name.endsWith('.md')).map((name) => join('docs', name))
  return ['README.md', 'docker/samples/README.md', ...docs.sort()]
}

export const readPage = (page: string): string => readFileSync(join(root, page), 'utf8')

/** All blocks of a page that hold commands, marked or not. */
export function commandBlocks(page: string): CommandBlock[] {
  const text = readPage(page)
  const fences = text.matchAll(/^( *)```(\w*)\n(.*?)^ *```$/gms)
  return [...fences].flatMap(({ index, 1: indent = '', 2: word = '', 3: body = '' }) => {
    const lines = body.split('\n').map((line) => line.slice(indent.length))
    const language = languageOf(word, lines[0] ?? '')
    if (language === undefined) return []
    const before = text.slice(0, index)
    const mark = /<!-- (runnable(?:: [^>]+)?|not run: [^>]+) -->\s*$/.exec(before)?.[1]
    return [{ page, line: before.split('\n').length, language, text: lines.join('\n').trimEnd(), mark }]
  })
}

function languageOf(word: string, first: string): CommandBlock['language'] | undefined {
  if (word === 'console' || first.startsWith('$ ')) return 'console'
  return ['sh', 'bash', 'shell'].includes(word) ? 'sh' : undefined
}

/** A script is one command; a transcript has one at each prompt. */
export function commandsOf({ language, text }: CommandBlock): Command[] {
  if (language === 'sh') return [{ text, shown: [] }]
  return text
    .split(/^\$ /m)
    .slice(1)
    .map((part) => {
      const [line = '', ...shown] = part.trimEnd().split('\n')
      return { text: line, shown }
    })
}

/** The exit code that a block is to have, and whether it ends at all. */
export function promiseOf({ mark = '' }: CommandBlock): { runs: boolean; ends: boolean; exitCode: number } {
  const [, code] = /^runnable: exits with (\d+)$/.exec(mark) ?? []
  return { runs: mark.startsWith('runnable'), ends: mark !== 'runnable: runs on', exitCode: Number(code ?? 0) }
}
