import { earlyLines, OUR_DEFAULTS } from './as-loaded.ts'
import type { HaproxyPaths } from './paths.ts'

/**
 * What every HAProxy of ours runs with, loaded before the operator's file.
 *
 * - First, as the operator's proxies take the `defaults` that precede them, by name or not: the named ones are those
 *   that `asLoaded` puts before an operator's own.
 * - Of a value that HAProxy takes once only, the first is taken: an operator's `hard-stop-after` counts, not ours.
 * - No `mode`: HTTP here would make a TCP frontend without one incompatible
 *   with its TCP backend.
 * - `idle-close-on-response`: without it a reload closes idle client
 *   connections while the next request may be on its way.
 * - `hard-stop-after` is generous: it ends old workers that clients hold open
 *   for ever, and cuts no ordinary request.
 * - `expose-fd listeners`: a HAProxy that is started beside this one, by a restart of its program in supervisord, takes
 *   over its listeners with all that waits at them.
 * - The server state, which we write before each reload: without it a server
 *   that is down would get traffic again until its first check.
 * - `ssl-load-extra-del-ext`: the key of `tls.crt` is `tls.key`, as in a secret
 *   of Kubernetes, and not `tls.crt.key`. HAProxy has no word that takes it back: an operator who says which of these
 *   files are loaded (`ssl-load-extra-files`) says also under which names.
 *
 * @param text the operator's
 */
export function baseConfig(paths: HaproxyPaths, text: string): string {
  return configOf(paths, text, true)
}

/** The same for the check: one who takes no warnings is not refused for those that ours lead to. */
export function judgedBaseConfig(paths: HaproxyPaths, text: string): string {
  return configOf(paths, text, !has(text, 'zero-warning'))
}

/** HAProxy warns where an option of HTTP meets a proxy of TCP. */
function configOf(paths: HaproxyPaths, text: string, mayWarn: boolean): string {
  return `${earlyLines(text)}# Written by kontrol-haproxy for each configuration: changes made here are lost.
global
    stats socket ${quote(paths.runtimeSocket)} mode 600 level admin expose-fd listeners
${has(text, 'hard-stop-after') ? '' : '    hard-stop-after 1h\n'}${has(text, 'ssl-load-extra-files') ? '' : '    ssl-load-extra-del-ext\n'}    server-state-file ${quote(paths.serverState)}

defaults ${OUR_DEFAULTS}
${mayWarn ? '    option idle-close-on-response\n' : ''}    load-server-state-from-file global

defaults from ${OUR_DEFAULTS}
    timeout connect 5s
    timeout client 60s
    timeout server 60s
    timeout http-keep-alive 10s
`
}

/** Whether a line begins so. */
const has = (text: string, word: string): boolean =>
  text.includes(word) && new RegExp(`(?<=^|\\n)[ \\t]*${word}(?=[\\s#]|$)`).test(text)

/**
 * Peers over a unix socket: a reload hands the stick tables that name `peers
 * kontrol` to the new worker.
 *
 * Loaded last, and under the name that HAProxy has by then: once a `peers`
 * section stands, it ignores an operator's `localpeer`.
 */
export function peersConfig({ peersSocket }: HaproxyPaths): string {
  return `# Written by kontrol-haproxy at each start: changes made here are lost.
peers kontrol
    peer "$HAPROXY_LOCALPEER" ${quote(`unix@${peersSocket}`)}
`
}

/** HAProxy's strong quoting: nothing between single quotes means anything. */
const quote = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`
