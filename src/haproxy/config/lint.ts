import { KontrolError } from '../../errors.ts'
import type { ConfigModel } from './model.ts'

/**
 * Keywords of `global` that `haproxy -c` accepts and that can end a running
 * HAProxy: a `chroot` that fails kills master and workers, a changed user
 * cannot bind again at the next reload, and the rest is how we start it.
 */
const REFUSED = new Set(['chroot', 'user', 'group', 'uid', 'gid', 'nbproc', 'daemon', 'master-worker'])

const isSetByUs = (keyword: string): boolean => REFUSED.has(keyword) || keyword.includes('$')

/** `haproxy -c` accepts it, and then HAProxy would look for the socket of peers.cfg under it, and not start. */
const movesOurSocket = ([keyword, ...more]: readonly string[]): boolean =>
  keyword === 'unix-bind' && more.includes('prefix')

/** @throws KontrolError KTL_HAPROXY_CONFIG_REJECTED with one sentence for each line that may not reach HAProxy */
export function refuseKeywords({ sections }: ConfigModel): void {
  const problems = sections
    .filter(({ kind }) => kind === 'global')
    .flatMap(({ lines }) => lines)
    .flatMap(({ number, words }) => {
      const [keyword = ''] = words
      if (isSetByUs(keyword)) return [`line ${number}: "${keyword}" in global is set by kontrol-haproxy itself`]
      if (!movesOurSocket(words)) return []
      return [`line ${number}: "unix-bind prefix" would move a socket of kontrol-haproxy: write it into the paths`]
    })
  if (problems.length === 0) return
  throw new KontrolError('KTL_HAPROXY_CONFIG_REJECTED', `The configuration is refused: ${problems.join('; ')}`, {
    hint: 'Remove these lines from the template.'
  })
}

/** Of a text without any listener, while the running one has some: a template that is being written, or was emptied. */
export const noListener = (): KontrolError =>
  new KontrolError('KTL_HAPROXY_NO_LISTENER', 'The configuration has no "bind", and the one that runs has', {
    hint: 'Look at the template: is it empty, or cut off? HAProxy goes on with what it runs.'
  })

/** Whether clients can come. */
export const listens = ({ sections }: ConfigModel): boolean =>
  sections.some(
    ({ kind, lines }) => (kind === 'frontend' || kind === 'listen') && lines.some(({ words }) => words[0] === 'bind')
  )

/** What HAProxy accepts and the operator should know, one sentence each. */
export function adviceOn({ sections }: ConfigModel): string[] {
  return sections
    .flatMap(({ lines }) => lines)
    .filter(({ words }) => words.join(' ') === 'no option idle-close-on-response')
    .map(
      ({ number }) =>
        `line ${number}: with "no option idle-close-on-response" a reload cuts idle connections of clients, whose next request may be on its way`
    )
}
