/** Secrets of ours, and credentials that the AWS SDK takes from the environment. */
const OURS =
  /^(?:KONTROL_(?:PING_|READ_)?TOKEN|AWS_(?:ACCESS_KEY_ID|SECRET_ACCESS_KEY|SESSION_TOKEN|SECURITY_TOKEN)|AWS_CONTAINER_AUTHORIZATION_TOKEN)$/

/** Names under which people keep secrets. */
const SECRET_NAME = /TOKEN|SECRET|PASSW(?:OR)?D|PASSPHRASE|CREDENTIAL|PRIVATE_?KEY|API_?KEY|ACCESS_?KEY/i

export const isSecretName = (name: string): boolean => SECRET_NAME.test(name)

export const isOurSecret = (name: string): boolean => OURS.test(name)

/**
 * What steps, scripts and callbacks inherit, programs of the user's own: all but what is a secret
 * of this program. A variable that the user set for them, whatever it holds, is theirs.
 */
export function inheritedEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !isOurSecret(name)))
}

/** Shorter ones would be found in innocent text. */
const SHORTEST_SECRET = 6

/** Values of variables that hold secrets by their names, the longest first; a file's name is no secret. */
export function secretValues(env: NodeJS.ProcessEnv): string[] {
  const values = Object.entries(env).flatMap(([name, value = '']) =>
    isSecretName(name) && !/_(?:FILE|PATH|URI|URL)$/i.test(name) ? [value, ...value.split(',')] : []
  )
  const secrets = values.map((value) => value.trim()).filter(({ length }) => length >= SHORTEST_SECRET)
  return [...new Set(secrets)].sort((one, other) => other.length - one.length)
}
