import { KontrolError } from '../errors.ts'

export interface OpentsdbEndpoint {
  host: string
  port: number
}

const DEFAULT_PORT = 4242

/**
 * Reads the annotation `kontrol.unity3d.com/opentsdb`: `host`, `host:port`,
 * or an IPv6 address in brackets. Throws KTL_METADATA_INVALID for anything else.
 */
export function parseOpentsdbEndpoint(annotation: string): OpentsdbEndpoint {
  const match = /^(?:tcp:\/\/)?(?:\[([0-9a-f:.]+)\]|([A-Za-z0-9._-]+))(?::(\d{1,5}))?$/i.exec(annotation.trim())
  const [, ipv6, name, port] = match ?? []
  const host = ipv6 ?? name
  const number = Number(port ?? DEFAULT_PORT)
  if (host === undefined || number < 1 || number > 65_535) {
    throw new KontrolError(
      'KTL_METADATA_INVALID',
      `Annotation kontrol.unity3d.com/opentsdb is no endpoint: ${annotation}`,
      {
        hint: 'Write host or host:port, for instance kairosdb.example.com:4242.'
      }
    )
  }
  return { host, port: number }
}
