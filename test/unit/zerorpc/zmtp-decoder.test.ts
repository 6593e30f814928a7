import { describe, expect, it } from 'vitest'
import { ZmtpDecoder, type ZmtpEvent } from '../../../src/zerorpc/zmtp-decoder.ts'
import { encodeCommand, encodeGreeting, encodeMessage, encodeReady } from '../../../src/zerorpc/zmtp-frames.ts'
import { GREETING, message, READY_DEALER, SERVER_HELLO } from '../../support/zerorpc/raw-zerorpc.ts'

const limits = { messageBytes: 1000, frames: 3 }

function decode(bytes: Buffer, pieces = bytes.length): ZmtpEvent[] {
  const decoder = new ZmtpDecoder(limits)
  const events: ZmtpEvent[] = []
  for (let at = 0; at < bytes.length; at += pieces) events.push(...decoder.push(bytes.subarray(at, at + pieces)))
  return events
}
const afterGreeting = (hex: string) => () => decode(Buffer.concat([GREETING, Buffer.from(hex, 'hex')]))

describe('ZmtpDecoder', () => {
  const long = Buffer.alloc(600, 'x')
  const stream = Buffer.concat([GREETING, READY_DEALER, message(Buffer.from('short')), message(long)])

  it.each([stream.length, 1, 2, 7, 63, 64, 65])('reads the same events from pieces of %i bytes', (pieces) => {
    expect(decode(stream, pieces)).toEqual([
      { type: 'greeting' },
      { type: 'command', name: 'READY', data: READY_DEALER.subarray(8) },
      { type: 'message', frames: [Buffer.alloc(0), Buffer.from('short')] },
      { type: 'message', frames: [Buffer.alloc(0), long] }
    ])
  })

  it('knows whether something is incomplete', () => {
    const decoder = new ZmtpDecoder(limits)
    const states: boolean[] = []

    for (const hex of [GREETING.toString('hex'), '01', '00', '00', '02', 'ab', 'cd']) {
      for (const _event of decoder.push(Buffer.from(hex, 'hex'))) void _event
      states.push(decoder.partial)
    }

    expect(states).toEqual([false, true, true, true, true, true, false])
  })

  it('accepts a message of the largest size', () => {
    const frames = [Buffer.alloc(300), Buffer.alloc(700)]

    expect(decode(Buffer.concat([GREETING, encodeMessage(frames)]))[1]).toEqual({ type: 'message', frames })
  })

  it.each([
    ['a frame over the limit before its bytes come', afterGreeting('0200000000000003e9'), /more than 1000 bytes/],
    ['a frame of 2^63 bytes', afterGreeting('028000000000000000'), /more than 1000 bytes/],
    ['frames that exceed it together', afterGreeting(`01ff${'00'.repeat(255)}`.repeat(3) + '00ff'), /more than 1000/],
    ['too many frames', afterGreeting('0100010001000000'), /more than 3 frames/],
    ['unknown flags', afterGreeting('0800'), /unknown frame flags 8/],
    ['a command without a name', afterGreeting('0400'), /a command without a name/],
    ['a command with a name that is cut off', afterGreeting('04020541'), /a command without a name/]
  ])('refuses %s', (_what, run, problem) => {
    expect(run).toThrowError(problem)
  })

  it.each([
    ['another first byte', 0, 0x47, /no ZMTP signature/],
    ['another end of the signature', 9, 0x00, /no ZMTP signature/],
    ['version 2', 10, 2, /ZMTP version 2/],
    ['another mechanism', 12, 0x50, /mechanism "PULL"/]
  ])('refuses a greeting with %s', (_what, at, byte, problem) => {
    const greeting = Buffer.from(GREETING)
    greeting[at] = byte

    expect(() => decode(greeting)).toThrowError(problem)
  })

  it('costs no more when a message comes byte by byte', () => {
    const decoder = new ZmtpDecoder({ messageBytes: 1_000_000, frames: 8 })
    const whole = Buffer.concat([GREETING, message(Buffer.alloc(500_000))])
    let messages = 0

    for (let at = 0; at < whole.length; at++) {
      for (const { type } of decoder.push(whole.subarray(at, at + 1))) if (type === 'message') messages += 1
    }

    expect(messages).toBe(1)
  })
})

describe('the encoder', () => {
  it('greets and says READY as libzmq does', () => {
    expect(Buffer.concat([encodeGreeting(), encodeReady('ROUTER')])).toEqual(SERVER_HELLO)
    expect(encodeReady('DEALER')).toEqual(READY_DEALER)
  })

  it.each([0, 1, 255, 256, 5000])('writes a frame of %i bytes', (size) => {
    const body = Buffer.alloc(size, 'x')

    expect(encodeMessage([Buffer.alloc(0), body])).toEqual(message(body))
  })

  it('writes commands', () => {
    expect(encodeCommand('PONG', Buffer.from('ctx')).toString('latin1')).toBe('\x04\x08\x04PONGctx')
  })
})
