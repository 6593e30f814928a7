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

/**
 * Keywords of `global` that `haproxy -c` accepts and that can end a running
 * HAProxy: a `chroot` that fails kills master and workers, a changed user
 * cannot bind again at the next reload, and the rest is how we start it.
 */
const REFUSED = new Set(['chroot', 'user', 'group', 'uid', 'gid', 'nbproc', 'daemon', 'master-worker'])

/** One sentence for each line that may not reach HAProxy. */
export function refusedKeywords({ sections }: ParsedConfig): string[] {
  return sections
    .filter(({ kind }) => kind === 'global')
    .flatMap(({ lines }) => lines)
    .filter(({ words: [keyword = ''] }) => REFUSED.has(keyword) || keyword.includes('$'))
    .map(
      ({ number, words: [keyword = ''] }) => `line ${number}: "${keyword}" in global is set by kontrol-haproxy itself`
    )
}
