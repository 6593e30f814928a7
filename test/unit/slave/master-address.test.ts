import { describe, expect, it } from 'vitest'
import { parseMasterAddress } from '../../../src/slave/master-address.ts'

describe('parseMasterAddress', () => {
  it.each([
    ['haproxy.default.svc', 'either', 'haproxy.default.svc', 8000],
    [' 10.0.0.7:81 ', 'either', '10.0.0.7', 81],
    ['[fd00::7]:8001', 'either', 'fd00::7', 8001],
    ['http://kontrol/', 'http', 'kontrol', 8000],
    ['HTTPS://kontrol:8443', 'https', 'kontrol', 8443],
    ['zerorpc://old-master:9000', 'zerorpc', 'old-master', 9000],
    ['zerorpc://[::1]', 'zerorpc', '::1', 8000]
  ])('reads "%s"', (text, protocol, host, port) => {
    expect(parseMasterAddress(text, 8000)).toEqual({ protocol, host, port, name: text.trim() })
  })

  it.each(['', 'ftp://host', 'host:0', 'host:65536', 'host:port', 'fd00::7', 'host/path', 'user@host', 'a b'])(
    'refuses "%s" and quotes it',
    (text) => {
      expect(() => parseMasterAddress(text, 8000)).toThrowError(`"${text}" is no address of a master`)
    }
  )
})
