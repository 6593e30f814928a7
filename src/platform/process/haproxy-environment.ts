import { commaList } from '../env-parsers.ts'
import { inheritedEnvironment, isOurSecret } from './inherited-environment.ts'

/** How this program runs, and what leads to credentials: no configuration has a use for it. Told in docker/supervisor/haproxy.sh too. */
const OF_THE_CONTROL_TIER =
  /^(?:(?:NODE|npm|SUPERVISOR)_.*|KONTROL_ETCD.*|KONTROL_.*TOKEN_FILE|AWS_(?!REGION$|DEFAULT_REGION$).*)$/

/** What the program itself, its libraries and its master look at. Told there as well. */
const OF_HAPROXY =
  /^(?:PATH|HOME|USER|LOGNAME|PWD|TMPDIR|TZ|TZDIR|LANG|LANGUAGE|LC_.*|HAPROXY_.*|NOTIFY_SOCKET|OPENSSL_.*|SSL_CERT_.*|LD_.*|MALLOC_.*|GLIBC_TUNABLES|LUA_.*|RES_OPTIONS|LOCALDOMAIN|HOSTALIASES)$/

/**
 * What HAProxy and its checks inherit. Its environment is fixed when it is started, while a template may mention a
 * variable at any later time, and reads it as blank when it is not there: so all that an operator may have set for it
 * is handed on, unless KONTROL_HAPROXY_ENV lists what is.
 */
export function haproxyEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const named = commaList(env.KONTROL_HAPROXY_ENV ?? '')
  const isForHaproxy = (name: string): boolean =>
    named.includes(name) || (named.length === 0 ? !OF_THE_CONTROL_TIER.test(name) : OF_HAPROXY.test(name))
  return Object.fromEntries(Object.entries(inheritedEnvironment(env)).filter(([name]) => isForHaproxy(name)))
}

/** A comma list of names of variables, none of them a secret of this program. */
export function variableNames(raw: string): readonly string[] {
  const names = commaList(raw)
  const wrong = names.find((name) => !/^[A-Za-z_]\w*$/.test(name))
  if (wrong !== undefined) throw new Error(`must be a comma list of names of variables (look at "${wrong}")`)
  const secret = names.find(isOurSecret)
  if (secret !== undefined) throw new Error(`must not name ${secret}: HAProxy is never given it`)
  return names
}
