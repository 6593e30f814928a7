import { describe, expect, it } from 'vitest'
import { parseDownwardMap } from '../../../src/kubernetes/downward-files.ts'

describe('parseDownwardMap', () => {
  it('reads what a kubelet writes', () => {
    const text = [
      String.raw`haproxy.unity3d.com/config="frontend proxy\n  bind *:80\n  http-request set-header X \"a=\\b\"\n"`,
      String.raw`kontrol.unity3d.com/master="haproxy.default.svc"`,
      String.raw`strange="tab\there, bell\a, nbsp\u00a0, control\x01, joined\U000e0001"`,
      'unicode="grün 😀"',
      'empty=""'
    ].join('\n')

    expect(parseDownwardMap(text, 'annotations')).toEqual({
      'haproxy.unity3d.com/config': 'frontend proxy\n  bind *:80\n  http-request set-header X "a=\\b"\n',
      'kontrol.unity3d.com/master': 'haproxy.default.svc',
      strange: 'tab\there, bell\u0007, nbsp\u00a0, control\u0001, joined\u{e0001}',
      unicode: 'grün 😀',
      empty: ''
    })
  })

  it('reads an empty file as no entries', () => {
    expect(parseDownwardMap('', 'labels')).toEqual({})
  })

  it.each(['app', 'app=web', 'app="web', 'app="we"b"', '="x"'])('refuses %s and names the line', (line) => {
    expect(() => parseDownwardMap(`role="r"\n${line}\n`, '/etc/podinfo/labels')).toThrowError(
      /^\/etc\/podinfo\/labels:2 is no key="value"/
    )
  })
})
