import { readFileSync } from 'node:fs'
import { KontrolError, messageOf } from '../errors.ts'
import { tokensOf } from '../load-config.ts'
import type { TlsCredentials } from '../slave/http-master.ts'

/** What a command shows to a control tier, from the variables that the control tier reads too. */
export interface Credentials {
  token: string | undefined
  tls: TlsCredentials | undefined
}

/** @throws KontrolError KTL_CONFIG_INVALID for a file that cannot be read */
export function credentialsOf(env: NodeJS.ProcessEnv): Credentials {
  const { KONTROL_TLS_CERT: cert, KONTROL_TLS_KEY: key, KONTROL_TLS_CLIENT_CA: ca } = env
  const token = env.KONTROL_TOKEN?.split(',', 1)[0] ?? tokensOf(readNamed('KONTROL_TOKEN_FILE', env) ?? '')[0]
  if (cert === undefined || key === undefined) return { token, tls: undefined }
  return {
    token,
    tls: {
      cert: readNamed('KONTROL_TLS_CERT', env) ?? '',
      key: readNamed('KONTROL_TLS_KEY', env) ?? '',
      ...(ca !== undefined && { ca: readNamed('KONTROL_TLS_CLIENT_CA', env) ?? '' })
    }
  }
}

/** Text of the file that a variable names, if it is set. */
function readNamed(variable: string, env: NodeJS.ProcessEnv): string | undefined {
  const path = env[variable]
  if (path === undefined) return undefined
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    throw new KontrolError('KTL_CONFIG_INVALID', `${variable} must name a readable file (${messageOf(cause)})`, {
      hint: `Check the path and who may read it, or unset ${variable}.`,
      cause
    })
  }
}
