import { Type, type Static, type TSchema } from 'typebox'
import { Compile } from 'typebox/compile'

// What etcd's JSON gateway answers, 3.4 to 3.6: int64 as text, bytes in base64, and what is zero or empty is left out.

const Int64 = Type.String({ pattern: '^-?[0-9]+$', default: '0' })
const Base64 = Type.String({ default: '' })

const Header = Type.Object({ cluster_id: Int64, revision: Int64 }, { default: {} })

const KeyValue = Type.Object(
  { key: Base64, value: Base64, create_revision: Int64, mod_revision: Int64 },
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

const Lease = Type.Object({ ID: Int64, TTL: Int64 })

const Renewal = Type.Object({ result: Lease })

const WatchMessage = Type.Object({
  header: Header,
  created: Type.Boolean({ default: false }),
  canceled: Type.Boolean({ default: false }),
  compact_revision: Int64,
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

export const bytes = (text: string): string => Buffer.from(text).toString('base64')
export const textOf = (base64: string): string => Buffer.from(base64, 'base64').toString()

/** One line holds the changes of one or more revisions: what etcd takes in a transaction, some times over. */
const MAX_LINE_CHARACTERS = 64 * 1024 * 1024

/** The messages of a watch: one JSON object a line. */
export async function* readWatch(stream: AsyncIterable<Buffer>): AsyncGenerator<WatchMessage> {
  for await (const line of linesOf(stream)) {
    const { result, error } = readWatchLine(JSON.parse(line))
    if (error !== undefined) throw new Error(error.message)
    if (result !== undefined) yield result
  }
}

async function* linesOf(stream: AsyncIterable<Buffer>): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  let pieces: string[] = []
  let length = 0
  for await (const chunk of stream) {
    const [first = '', ...rest] = decoder.decode(chunk, { stream: true }).split('\n')
    pieces.push(first)
    length += first.length
    if (length > MAX_LINE_CHARACTERS) throw new Error('etcd sent a change of more than 64 MiB')
    for (const piece of rest) {
      const line = pieces.join('')
      pieces = [piece]
      length = piece.length
      if (line !== '') yield line
    }
  }
}
