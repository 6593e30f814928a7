import { Type, type Static, type TSchema } from 'typebox'
import { Compile } from 'typebox/compile'
import { linesWithin } from '../../platform/network/bounded-stream.ts'

// What etcd's JSON gateway answers, 3.4 to 3.6: int64 as text, bytes in base64, and what is zero or empty is left out.

/** Of a lease or a cluster: never counted with. */
const Id = Type.String({ pattern: '^-?[0-9]{1,20}$', default: '0' })
/** Counted with: one of more digits than a number holds would be taken for another, and stay the highest for ever. */
const Revision = Type.String({ pattern: '^[0-9]{1,15}$', default: '0' })
const Seconds = Type.String({ pattern: '^-?[0-9]{1,9}$', default: '0' })
const Base64 = Type.String({ default: '' })

const Header = Type.Object({ cluster_id: Id, revision: Revision }, { default: {} })

const KeyValue = Type.Object(
  { key: Base64, value: Base64, create_revision: Revision, mod_revision: Revision },
  { default: {} }
)
export type KeyValue = Static<typeof KeyValue>

const Range = Type.Object({
  header: Header,
  kvs: Type.Array(KeyValue, { default: [] }),
  more: Type.Boolean({ default: false })
})

const Txn = Type.Object({
  header: Header,
  succeeded: Type.Boolean({ default: false }),
  responses: Type.Array(Type.Object({ response_range: Type.Optional(Type.Pick(Range, ['kvs'])) }), { default: [] })
})
export type Txn = Static<typeof Txn>

const Lease = Type.Object({ ID: Id, TTL: Seconds })

const Renewal = Type.Object({ result: Lease })

const WatchMessage = Type.Object({
  header: Header,
  created: Type.Boolean({ default: false }),
  canceled: Type.Boolean({ default: false }),
  compact_revision: Revision,
  cancel_reason: Type.String({ default: '' }),
  events: Type.Array(Type.Object({ type: Type.String({ default: 'PUT' }), kv: KeyValue }), { default: [] })
})
export type WatchMessage = Static<typeof WatchMessage>

const WatchLine = Type.Object({
  result: Type.Optional(WatchMessage),
  error: Type.Optional(Type.Object({ message: Type.String({ default: '' }) }))
})

/** @throws Error when the answer is of another form */
function reader<T extends TSchema>(schema: T, what: string): (answer: unknown) => Static<T> {
  const validator = Compile(schema)
  return (answer) => {
    const filled = validator.Default(answer)
    if (validator.Check(filled)) return filled
    const [problem] = validator.Errors(filled)
    throw new Error(`etcd answered ${what} in an unknown form: ${problem?.instancePath} ${problem?.message}`)
  }
}

export const readRange = reader(Range, 'a range')
export const readTxn = reader(Txn, 'a transaction')
export const readLease = reader(Lease, 'for a lease')
export const readRenewal = reader(Renewal, 'the renewal of a lease')
const readWatchLine = reader(WatchLine, 'a watch')

export const bytes = (text: string | Buffer): string => Buffer.from(text).toString('base64')
export const rawOf = (base64: string): Buffer => Buffer.from(base64, 'base64')
export const textOf = (base64: string): string => rawOf(base64).toString()

/** One line holds the changes of one or more revisions: what etcd takes in a transaction, some times over. */
const MAX_LINE_BYTES = 64 * 1024 * 1024
/** Characters of what etcd, or who answers in its place, says of an error. */
export const REASON_LENGTH = 300

/** The messages of a watch: one JSON object a line. */
export async function* readWatch(stream: AsyncIterable<Buffer>): AsyncGenerator<WatchMessage> {
  for await (const line of linesWithin(stream, MAX_LINE_BYTES)) {
    const { result, error } = readWatchLine(JSON.parse(line))
    if (error !== undefined) throw new Error(error.message.slice(0, REASON_LENGTH))
    if (result !== undefined) yield result
  }
}
