import { Access, type AccessOptions } from '../../../src/access/access.ts'
import { Credentials, type Secrets } from '../../../src/access/credentials.ts'

const noSource = (name: string) => ({ name, inline: undefined, file: undefined })

/** Who may do what under these secrets, without files and without a registry. */
export function makeAccess(secrets: Partial<Secrets> = {}, options: Partial<AccessOptions> = {}): Access {
  const sources = { operate: noSource('o'), ping: noSource('p'), read: noSource('r') }
  return new Access({
    rules: { ownApp: 'haproxy', feeds: () => false },
    credentials: new Credentials(sources, { operate: [], ping: [], read: [], ...secrets }, () => {}),
    tls: false,
    mutualTls: false,
    ownFingerprint: undefined,
    names: new Set(),
    manifest: undefined,
    ...options
  })
}
