import { encode } from '@msgpack/msgpack'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { KontrolError } from '../../../src/errors.ts'
import { decodeEvent } from '../../../src/zerorpc/zerorpc-message.ts'
import { ZmtpDecoder, type ZmtpEvent } from '../../../src/zerorpc/zmtp-decoder.ts'
import { encodeCommand, encodeMessage } from '../../../src/zerorpc/zmtp-frames.ts'
import { GREETING } from '../../support/zerorpc/raw-zerorpc.ts'

const limits = { messageBytes: 5000, frames: 4 }
const bytes = (maxLength: number) => fc.uint8Array({ maxLength }).map((array) => Buffer.from(array))
const frames = fc.array(bytes(400), { minLength: 1, maxLength: 4 })

/** Cuts a text of bytes at any places. */
function cut(whole: Buffer, places: readonly number[]): Buffer[] {
  const ends = [...new Set(places.map((place) => place % (whole.length + 1)))].sort((a, b) => a - b)
  return [...ends, whole.length].map((end, i) => whole.subarray(i === 0 ? 0 : ends[i - 1], end))
}

function decodeAll(pieces: readonly Buffer[]): ZmtpEvent[] {
  const decoder = new ZmtpDecoder(limits)
  return pieces.flatMap((piece) => [...decoder.push(piece)])
}

function refusalOf(run: () => unknown): string | undefined {
  try {
    run()
    return undefined
  } catch (error) {
    expect(error).toBeInstanceOf(KontrolError)
    return (error as KontrolError).code
  }
}

describe('ZmtpDecoder, for any bytes', () => {
  it('gives back what was encoded, wherever it is cut', () => {
    fc.assert(
      fc.property(fc.array(frames, { maxLength: 5 }), fc.array(fc.nat()), (messages, places) => {
        const whole = Buffer.concat([GREETING, ...messages.map(encodeMessage), encodeCommand('PING', Buffer.alloc(2))])

        const events = decodeAll(cut(whole, places))

        expect(events).toEqual([
          { type: 'greeting' },
          ...messages.map((message) => ({ type: 'message', frames: message })),
          { type: 'command', name: 'PING', data: Buffer.alloc(2) }
        ])
      })
    )
  })

  it('refuses what is no ZMTP by its own error, and nothing else ever escapes', () => {
    fc.assert(
      fc.property(fc.boolean(), bytes(2000), fc.array(fc.nat()), (greeted, garbage, places) => {
        const whole = greeted ? Buffer.concat([GREETING, garbage]) : garbage

        expect([undefined, 'KTL_ZMTP_INVALID']).toContain(refusalOf(() => decodeAll(cut(whole, places))))
      }),
      { numRuns: 500 }
    )
  })
})

describe('decodeEvent, for any bytes', () => {
  it('refuses what is no event by its own error, and nothing else ever escapes', () => {
    const anything = fc.oneof(
      bytes(300),
      fc.anything({ withDate: true }).map((value) => Buffer.from(encode(withoutFunctions(value)))),
      fc
        .tuple(fc.anything(), fc.anything(), fc.anything())
        .map((event) => Buffer.from(encode(withoutFunctions([{ message_id: 'x' }, ...event].slice(0, 3)))))
    )
    fc.assert(
      fc.property(anything, (body) => {
        expect([undefined, 'KTL_ZMTP_INVALID']).toContain(refusalOf(() => decodeEvent(body)))
      }),
      { numRuns: 500 }
    )
  })
})

/** What JSON can say, as that is what a wire carries. */
const withoutFunctions = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value, (_key, member: unknown) => (typeof member === 'bigint' ? 0 : member)) ?? 'null')
