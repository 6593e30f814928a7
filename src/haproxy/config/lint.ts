import type { ParsedConfig } from './parser.ts'

/** What HAProxy accepts and the operator should know, one sentence each. */
export function adviceOn({ sections }: ParsedConfig): string[] {
  return sections
    .filter(({ kind, lines }) => kind === 'defaults' && !lines.some(({ words }) => isIdleClose(words)))
    .map(
      ({ number }) =>
        `line ${number}: "defaults" replaces the built-in one as a whole; without "option idle-close-on-response" a reload may cut idle client connections`
    )
}

const isIdleClose = (words: string[]): boolean => words.join(' ') === 'option idle-close-on-response'
