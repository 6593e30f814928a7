import { randomUUID } from 'node:crypto'
import { decode, encode } from '@msgpack/msgpack'
import { invalid } from './zmtp-decoder.ts'

/** As the peer sent it: Python sends binary, others text, and each expects its own kind back. */
export type MessageId = string | Uint8Array

export interface ZerorpcMessage {
  id: MessageId
  /** The request that this belongs to; absent in a request itself. */
  responseTo?: MessageId
  /** A method, or OK, ERR, STREAM, _zpc_hb, _zpc_more. */
  name: string
  args: readonly unknown[]
}

const VERSION = 3
/** Far beyond any event of ZeroRPC; a decoder makes room for as many as a peer announces. */
const decoderLimits = { maxArrayLength: 1024, maxMapLength: 64, maxExtLength: 64 }

/**
 * Writes [header, name, args]. The id of a message of our own is 32 hex
 * digits as binary, as Python's clients and servers write theirs.
 */
export function encodeEvent(name: string, args: readonly unknown[], responseTo?: MessageId): Uint8Array {
  const header = {
    message_id: newMessageId(),
    v: VERSION,
    ...(responseTo !== undefined && { response_to: responseTo })
  }
  return encode([header, name, args])
}

/** A request and the id that its answer will name. */
export function encodeRequest(name: string, args: readonly unknown[]): { id: Uint8Array; bytes: Uint8Array } {
  const id = newMessageId()
  return { id, bytes: encode([{ message_id: id, v: VERSION }, name, args]) }
}

/** @throws KontrolError KTL_ZMTP_INVALID for what is no event of ZeroRPC */
export function decodeEvent(bytes: Uint8Array): ZerorpcMessage {
  const event = decodeMsgpack(bytes)
  if (!Array.isArray(event) || event.length !== 3) throw invalid('a message that is not [header, name, args]')
  const [header, name, args] = event as unknown[]
  const { message_id: id, response_to: responseTo } = (header ?? {}) as Record<string, unknown>
  const method = textOf(name)
  if (!isMessageId(id) || method === undefined) throw invalid('a message without message_id or name')
  return {
    id,
    name: method,
    // A bare value, as STREAM carries it, is a list of one.
    args: Array.isArray(args) ? args : [args],
    ...(isMessageId(responseTo) && { responseTo })
  }
}

/** Text of either kind: Python 2 sends every string as raw or binary, in UTF-8. */
export function textOf(value: unknown): string | undefined {
  if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.length).toString('utf8')
  return typeof value === 'string' ? value : undefined
}

function decodeMsgpack(bytes: Uint8Array): unknown {
  try {
    return decode(bytes, { ...decoderLimits, mapKeyConverter: (key) => textOf(key) ?? String(key) })
  } catch (cause) {
    throw invalid(`a message that is no msgpack (${(cause as Error).message})`)
  }
}

function newMessageId(): Uint8Array {
  return Buffer.from(randomUUID().replaceAll('-', ''), 'latin1')
}

function isMessageId(value: unknown): value is MessageId {
  return (typeof value === 'string' || value instanceof Uint8Array) && value.length > 0
}
