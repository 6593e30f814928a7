import { KontrolError } from '../../errors.ts'
import { runSubprocess } from '../../platform/process/subprocess.ts'

export interface HaproxyVersion {
  /** As HAProxy prints it: `2.6.12-1+deb12u4`. */
  text: string
  major: number
  minor: number
}

/**
 * Asks the binary.
 *
 * @throws KontrolError KTL_HAPROXY_MISSING when it cannot be run or says no version
 */
export async function detectVersion(binary: string): Promise<HaproxyVersion> {
  const said = await runSubprocess(binary, ['-v'], { timeoutMs: 10_000 }).catch((cause: unknown) => {
    throw new KontrolError('KTL_HAPROXY_MISSING', `The HAProxy binary "${binary}" cannot be run`, {
      cause,
      hint: 'Install HAProxy 2.6 or later, or name its path in KONTROL_HAPROXY.'
    })
  })
  const version = parseVersion(said.stdout)
  if (version === undefined) {
    throw new KontrolError('KTL_HAPROXY_MISSING', `"${binary} -v" names no HAProxy version`, {
      hint: 'Name the path of HAProxy 2.6 or later in KONTROL_HAPROXY.'
    })
  }
  return version
}

/**
 * First line of `haproxy -v`:
 *
 *     HAProxy version 2.6.12-1+deb12u4 2026/10/17 - https://haproxy.org/
 *     HAProxy version 3.0.11-1+deb13u2 2026/03/05 - https://haproxy.org/
 */
export function parseVersion(output: string): HaproxyVersion | undefined {
  const match = /^HA-?Proxy version ((\d+)\.(\d+)\S*)/.exec(output)
  if (match === null) return undefined
  const [, text = '', major, minor] = match
  return { text, major: Number(major), minor: Number(minor) }
}

/** All that differs between the versions of HAProxy that we drive. */
export interface HaproxyFeatures {
  /** `del server` is safe: before 3.0 (and in what Debian 12 ships) it may crash HAProxy. */
  deletesServers: boolean
  /** A `program` section is taken; 3.2 refuses one without `expose-deprecated-directives` in `global`. */
  takesPrograms: boolean
}

export function featuresOf({ major, minor }: HaproxyVersion): HaproxyFeatures {
  return { deletesServers: major >= 3, takesPrograms: major < 3 || (major === 3 && minor < 2) }
}
