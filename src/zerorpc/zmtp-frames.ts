/**
 * What goes over the wire of ZMTP 3.1 with the NULL mechanism
 * (https://rfc.zeromq.org/spec/23/). A greeting, then a READY command from
 * each side, then messages of one or more frames:
 *
 *     ff 00*7 01 7f | 03 01 | "NULL" padded to 20 | as-server 00 | 31 × 00
 *     04 29  05 "READY"  0b "Socket-Type" 00000006 "ROUTER"  08 "Identity" 00000000
 *     01 00                        an empty frame, more to come
 *     00 59 <89 bytes>             a short frame, the last of its message
 *     02 00000000000001f4 <500>    a long one: 8 bytes of length
 */

export const GREETING_LENGTH = 64
export const FLAG_MORE = 1
export const FLAG_LONG = 2
export const FLAG_COMMAND = 4
const LARGEST_SHORT = 255

export function encodeGreeting(): Buffer {
  const greeting = Buffer.alloc(GREETING_LENGTH)
  greeting[0] = 0xff
  greeting[8] = 0x01
  greeting[9] = 0x7f
  greeting[10] = 3
  greeting[11] = 1
  greeting.write('NULL', 12, 'latin1')
  return greeting
}

export function encodeReady(socketType: string): Buffer {
  return encodeCommand('READY', Buffer.concat([property('Socket-Type', socketType), property('Identity', '')]))
}

export function encodeCommand(name: string, data: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.of(name.length), Buffer.from(name, 'latin1'), data])
  return Buffer.concat([frameHeader(FLAG_COMMAND, body.length), body])
}

export function encodeMessage(frames: readonly Uint8Array[]): Buffer {
  return Buffer.concat(
    frames.flatMap((frame, index) => {
      return [frameHeader(index < frames.length - 1 ? FLAG_MORE : 0, frame.length), frame]
    })
  )
}

function frameHeader(flags: number, length: number): Buffer {
  if (length <= LARGEST_SHORT) return Buffer.of(flags, length)
  const header = Buffer.alloc(9)
  header[0] = flags | FLAG_LONG
  header.writeBigUInt64BE(BigInt(length), 1)
  return header
}

function property(name: string, value: string): Buffer {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(value.length)
  return Buffer.concat([Buffer.of(name.length), Buffer.from(name, 'latin1'), length, Buffer.from(value, 'latin1')])
}
