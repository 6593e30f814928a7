import { KontrolError } from '../errors.ts'

/** A master that a slave reports to. */
export interface MasterAddress {
  /** Either: nothing is said, and the master shows whether it speaks HTTP or ZeroRPC. */
  protocol: 'http' | 'https' | 'zerorpc' | 'either'
  /** Without the brackets of an IPv6 address. */
  host: string
  port: number
  /** As it stood in the annotation: what logs and errors call it. */
  name: string
}

/**
 * Parses one master of the annotation kontrol.unity3d.com/master.
 *
 *     haproxy.default.svc            on the default port, of either generation
 *     10.0.0.7:8000   [fd00::7]:8000
 *     http://host   https://host:8443
 *     zerorpc://host:8000            a master of Kontrol's last generation
 *
 * @param defaultPort the port of a master that names none: the slave's own KONTROL_PORT
 * @throws KontrolError KTL_CONFIG_INVALID
 */
export function parseMasterAddress(text: string, defaultPort: number): MasterAddress {
  const name = text.trim()
  const match = /^(?:(https?|zerorpc):\/\/)?(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::(\d{1,5}))?\/?$/i.exec(name)
  const [, protocol = 'either', host = '', port = defaultPort] = match ?? []
  if (host === '' || Number(port) < 1 || Number(port) > 65_535) {
    throw new KontrolError('KTL_CONFIG_INVALID', `kontrol.unity3d.com/master: "${name}" is no address of a master`, {
      hint: 'Write host, host:port, http://host:port, https://host:port or zerorpc://host:port, separated by commas.'
    })
  }
  return {
    protocol: protocol.toLowerCase() as MasterAddress['protocol'],
    host: host.replace(/^\[|\]$/g, ''),
    port: Number(port),
    name
  }
}
