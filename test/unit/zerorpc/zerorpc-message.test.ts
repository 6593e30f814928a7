import { decode } from '@msgpack/msgpack'
import { describe, expect, it } from 'vitest'
import { decodeEvent, encodeEvent, encodeRequest } from '../../../src/zerorpc/zerorpc-message.ts'
import { event, ID, type Encoding } from '../../support/zerorpc/raw-zerorpc.ts'

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex')

describe('decodeEvent', () => {
  it.each<Encoding>(['python 3', 'python 2 raw', 'python 2 bin'])('reads a request of %s', (encoding) => {
    const { id, name, args } = decodeEvent(event('invoke', ['{"cmd": "é"}'], encoding))

    expect(Buffer.from(id as string).toString()).toBe(ID)
    expect(typeof id).toBe(encoding === 'python 2 raw' ? 'string' : 'object')
    expect(name).toBe('invoke')
    expect(args.map((arg) => Buffer.from(arg as string).toString())).toEqual(['{"cmd": "é"}'])
  })

  it('reads which request a heartbeat belongs to', () => {
    const { name, responseTo } = decodeEvent(event('_zpc_hb', [0], 'python 3', { responseTo: ID }))

    expect([name, Buffer.from(responseTo ?? '').toString()]).toEqual(['_zpc_hb', ID])
  })

  it('takes a bare value, as STREAM carries it, as a list of one', () => {
    expect(decodeEvent(hex('93 82 aa6d6573736167655f6964 a161 a176 03 a653545245414d 07')).args).toEqual([7])
  })

  it.each([
    ['text', Buffer.from('GET / HTTP/1.1'), /no msgpack|not \[header, name, args\]/],
    ['nothing', Buffer.alloc(0), /no msgpack/],
    ['two elements', hex('92 80 a170'), /not \[header, name, args\]/],
    ['no id', hex('93 80 a170 90'), /without message_id or name/],
    ['a number as name', hex('93 81 aa6d6573736167655f6964 a161 05 90'), /without message_id or name/],
    ['an empty id', hex('93 81 aa6d6573736167655f6964 a0 a170 90'), /without message_id or name/],
    ['nil as header', hex('93 c0 a170 90'), /without message_id or name/],
    ['a list that announces 2^31 elements', hex('93 80 a170 dd80000000'), /no msgpack/],
    ['a map that announces 2^31 members', hex('93 df80000000'), /no msgpack/],
    ['a key that would change the prototype', hex('93 81 a95f5f70726f746f5f5f 80 a170 90'), /no msgpack/]
  ])('refuses %s', (_what, bytes, problem) => {
    expect(() => decodeEvent(bytes)).toThrowError(problem)
  })
})

describe('encodeEvent', () => {
  it('echoes an id as text when it came as text, and as binary when it came as binary', () => {
    const responseTo = (id: string | Uint8Array) =>
      (decode(encodeEvent('OK', [null], id)) as [{ response_to: unknown }])[0].response_to

    expect(responseTo('abc')).toBe('abc')
    expect(responseTo(Buffer.from('abc'))).toEqual(new Uint8Array([97, 98, 99]))
  })

  it('numbers its own messages as Python does: 32 hex digits as binary', () => {
    const [header] = decode(encodeEvent('OK', [null], 'x')) as [{ message_id: Uint8Array; v: number }]

    expect(Buffer.from(header.message_id).toString()).toMatch(/^[0-9a-f]{32}$/)
    expect(header.v).toBe(3)
  })
})

describe('encodeRequest', () => {
  it('writes no response_to, and gives the id that the answer will name', () => {
    const { id, bytes } = encodeRequest('ping', ['{}'])

    const expected = [{ message_id: new Uint8Array(id), v: 3 }, 'ping', ['{}']]
    expect(decode(bytes)).toEqual(expected)
  })
})
