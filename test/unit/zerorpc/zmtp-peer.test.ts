import { describe, expect, it } from 'vitest'
import { ZmtpPeer } from '../../../src/zerorpc/zmtp-peer.ts'
import { GREETING, message, READY_DEALER, SERVER_HELLO } from '../../support/zerorpc/raw-zerorpc.ts'

function router() {
  const written: Uint8Array[] = []
  const messages: Buffer[][] = []
  const peer = new ZmtpPeer({
    socketType: 'ROUTER',
    accepts: ['DEALER', 'REQ'],
    limits: { messageBytes: 1000, frames: 3 },
    write: (bytes) => written.push(bytes),
    onMessage: (frames) => messages.push(frames)
  })
  peer.greet()
  return { peer, written: () => Buffer.concat(written), messages }
}
const ready = (type: string, ...more: string[]) => {
  const body = Buffer.from(
    `\x05READY\x0bsocket-TYPE\x00\x00\x00${String.fromCharCode(type.length)}${type}${more.join('')}`,
    'latin1'
  )
  return Buffer.concat([Buffer.of(4, body.length), body])
}

describe('ZmtpPeer', () => {
  it('shakes hands and passes messages on', () => {
    const { peer, written, messages } = router()

    peer.receive(Buffer.concat([GREETING, READY_DEALER, message(Buffer.from('hello'))]))

    expect(written()).toEqual(SERVER_HELLO)
    expect(messages).toEqual([[Buffer.alloc(0), Buffer.from('hello')]])
  })

  it('greets before the other side has said anything, and says READY after its greeting', () => {
    const { peer, written } = router()
    expect(written()).toEqual(GREETING)
    expect(peer.partial).toBe(true)

    peer.receive(GREETING)

    expect(written()).toEqual(SERVER_HELLO)
    expect(peer.ready).toBe(false)
  })

  it('answers a PING of the transport with its context', () => {
    const { peer, written } = router()
    peer.receive(Buffer.concat([GREETING, READY_DEALER]))

    peer.receive(Buffer.from('\x04\x0a\x04PING\x00\x64ctx', 'latin1'))

    expect(written().subarray(SERVER_HELLO.length).toString('latin1')).toBe('\x04\x08\x04PONGctx')
  })

  it('knows properties by any case, and ignores those that it does not know', () => {
    const { peer } = router()

    peer.receive(Buffer.concat([GREETING, ready('REQ', '\x01X\x00\x00\x00\x01y')]))

    expect(peer.ready).toBe(true)
  })

  it.each([
    ['a message before READY', message(Buffer.from('x')), /a message before READY/],
    ['a type that does not fit', ready('PUB'), /READY as "PUB"/],
    ['no type', Buffer.from('\x04\x06\x05READY', 'latin1'), /READY as "nothing"/],
    ['a property that is cut off', ready('DEALER', '\x01X\x00\x00\x00\x09y'), /READY that is cut off/],
    ['a name that is cut off', ready('DEALER', '\x20X'), /READY that is cut off/],
    ['READY twice', Buffer.concat([READY_DEALER, READY_DEALER]), /READY twice/],
    ['an error', Buffer.from('\x04\x0a\x05ERROR\x03bad', 'latin1'), /the error "bad"/]
  ])('refuses %s', (_what, bytes, problem) => {
    const { peer } = router()

    expect(() => peer.receive(Buffer.concat([GREETING, bytes]))).toThrowError(problem)
  })
})
