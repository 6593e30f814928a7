import { readSecrets, tokenToPingWith } from '../access/credentials.ts'
import { invalidEnvironment, readEnvTable, secretSourcesOf } from '../config.ts'
import { accessVariables } from '../access/access-variables.ts'
import { readPlainFileSync, SMALL_FILE_BYTES } from '../platform/files/plain-file.ts'
import type { TlsCredentials } from '../slave/http-master.ts'

/** What a command shows to a control tier, from the variables that the control tier reads too. */
export interface Credentials {
  token: string | undefined
  tls: TlsCredentials | undefined
}

/**
 * @param app whose keepalive is sent; an operator's token, or a reader's, when absent
 * @throws KontrolError KTL_CONFIG_INVALID for a value or a file that cannot be read
 */
export function credentialsOf(env: NodeJS.ProcessEnv, app?: string): Credentials {
  const { values, problems } = readEnvTable(accessVariables, [['environment', env]])
  const secrets = readSecrets(secretSourcesOf(env), problems)
  const token = app === undefined ? (secrets.operate[0] ?? secrets.read[0]) : tokenToPingWith(secrets, app)
  if (problems.length > 0) throw invalidEnvironment(problems)
  const { tlsCert, tlsKey, tlsClientCa } = values
  if (tlsCert === undefined || tlsKey === undefined) return { token, tls: undefined }
  const [cert, key] = [read(tlsCert), read(tlsKey)]
  return { token, tls: { cert, key, ...(tlsClientCa !== undefined && { ca: read(tlsClientCa) }) } }
}

const read = (path: string): string => readPlainFileSync(path, SMALL_FILE_BYTES)
