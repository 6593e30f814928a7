import { describe, expect, it } from 'vitest'
import { decodeResponse, encodeCall, XmlRpcFault } from '../../../src/platform/xml-rpc.ts'

const response = (value: string) =>
  `<?xml version='1.0'?>\n<methodResponse>\n<params>\n<param>\n${value}\n</param>\n</params>\n</methodResponse>\n`

describe('encodeCall', () => {
  it('writes the method and its parameters', () => {
    expect(encodeCall('supervisor.startProcess', ['a<b>&c', false, 7, 0.5])).toBe(
      '<?xml version="1.0"?><methodCall><methodName>supervisor.startProcess</methodName><params>' +
        '<param><value><string>a&lt;b&gt;&amp;c</string></value></param>' +
        '<param><value><boolean>0</boolean></value></param>' +
        '<param><value><int>7</int></value></param>' +
        '<param><value><double>0.5</double></value></param></params></methodCall>'
    )
  })
})

describe('decodeResponse', () => {
  it('reads the struct that supervisord sends', () => {
    const xml = response(`<value><struct>
<member>
<name>name</name>
<value><string>haproxy &lt;1&gt; &#228;&#x1F600;</string></value>
</member>
<member>
<name>pid</name>
<value><int>4711</int></value>
</member>
<member>
<name>spawnerr</name>
<value><string></string></value>
</member>
</struct></value>`)

    expect(decodeResponse(xml)).toEqual({ name: 'haproxy <1> ä😀', pid: 4711, spawnerr: '' })
  })

  it.each([
    ['<value><boolean>1</boolean></value>', true],
    ['<value><boolean>0</boolean></value>', false],
    ['<value><i4>-3</i4></value>', -3],
    ['<value><double>1.5</double></value>', 1.5],
    ['<value>plain</value>', 'plain'],
    ['<value>  </value>', '  '],
    ['<value/>', ''],
    ['<value><string/></value>', ''],
    ['<value><nil/></value>', null],
    ['<value><array><data/></array></value>', []],
    [
      '<value><array><data>\n<value><int>1</int></value>\n<value><string>b</string></value>\n</data></array></value>',
      [1, 'b']
    ]
  ])('reads %s', (value, expected) => {
    expect(decodeResponse(response(value))).toEqual(expected)
  })

  it('throws a fault with its code', () => {
    const xml = `<?xml version='1.0'?>
<methodResponse>
<fault>
<value><struct>
<member>
<name>faultCode</name>
<value><int>10</int></value>
</member>
<member>
<name>faultString</name>
<value><string>BAD_NAME: haproxy</string></value>
</member>
</struct></value>
</fault>
</methodResponse>`

    expect(() => decodeResponse(xml)).toThrowError(new XmlRpcFault(10, 'BAD_NAME: haproxy'))
  })

  it.each([
    '',
    'Bad Gateway',
    '<html></html>',
    response('<value><date>x</date></value>'),
    response('<value><int>1</value>')
  ])('refuses "%s"', (xml) => {
    expect(() => decodeResponse(xml)).toThrowError(SyntaxError)
  })
})
