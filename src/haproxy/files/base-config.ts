import type { HaproxyPaths } from './paths.ts'

/**
 * What every HAProxy of ours runs with, loaded before the operator's file.
 *
 * - First, as the first file wins where both set a single value, and as the
 *   operator's proxies take the `defaults` that precede them.
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
 *   of Kubernetes, and not `tls.crt.key`.
 */
export function baseConfig(paths: HaproxyPaths): string {
  return `# Written by kontrol-haproxy at each start: changes made here are lost.
global
    stats socket ${quote(paths.runtimeSocket)} mode 600 level admin expose-fd listeners
    hard-stop-after 1h
    ssl-load-extra-del-ext
    server-state-file ${quote(paths.serverState)}

defaults
    timeout connect 5s
    timeout client 60s
    timeout server 60s
    timeout http-keep-alive 10s
    option idle-close-on-response
    load-server-state-from-file global
`
}

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
