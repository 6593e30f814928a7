import { describe, expect, it } from 'vitest'
import { parseOpentsdbEndpoint } from '../../../src/telemetry/opentsdb-endpoint.ts'

describe('parseOpentsdbEndpoint', () => {
  it.each([
    ['kairosdb.us-east-1.example.com', { host: 'kairosdb.us-east-1.example.com', port: 4242 }],
    [' tsdb:4343 ', { host: 'tsdb', port: 4343 }],
    ['tcp://10.0.0.9:1', { host: '10.0.0.9', port: 1 }],
    ['[2001:db8::9]:4242', { host: '2001:db8::9', port: 4242 }]
  ])('reads %s', (annotation, endpoint) => {
    expect(parseOpentsdbEndpoint(annotation)).toEqual(endpoint)
  })

  it.each(['', 'host:', 'host:0', 'host:65536', 'host:x', 'http://host', '2001:db8::9', 'a b'])(
    'refuses "%s"',
    (text) => {
      expect(() => parseOpentsdbEndpoint(text)).toThrowError(
        /^Annotation kontrol\.unity3d\.com\/opentsdb is no endpoint/
      )
    }
  )
})
