import { messageOf } from '../../errors.ts'
import { EtcdGateway, REQUEST_TIMEOUT_MS, type EtcdAccess } from './gateway.ts'
import { limits } from '../../model/limits.ts'
import * as wire from './wire.ts'

export interface KeyValue {
  key: string
  value: string
  /** Revision of the store at which the key came into being; 0 stands for a key that is not there. */
  createRevision: number
  modRevision: number
}

/** A key that was written, or, without a value, deleted at `modRevision`. */
export type KeyChange = Omit<KeyValue, 'value'> & { value: string | undefined }

export interface Listing {
  values: KeyValue[]
  /** The store as it was at this revision. */
  revision: number
  clusterId: string
}

export interface Condition {
  key: string
  /** Which of its two revisions must be `equals`. */
  of: 'create' | 'mod'
  equals: number
}

export type Operation = { put: string; value: string; lease?: string } | { delete: string } | { get: string }

export interface Outcome {
  /** Whether the conditions held, and `then` was done and not `otherwise`. */
  succeeded: boolean
  revision: number
  /** What the `get` operations found, in order. */
  found: (KeyValue | undefined)[]
}

export interface WatchHandlers {
  onChanges: (changes: KeyChange[], revision: number) => void
  /** Called once; after it no more changes come. */
  onEnd: (reason: string) => void
}

const PAGE = 500
/** More than pods, their digests and what lies beside them; each costs some memory besides its text. */
const MAX_KEYS = 2 * limits.pods

/** The few requests to etcd v3 that the store needs. */
export class EtcdClient {
  readonly #gateway: EtcdGateway
  readonly #closed = new AbortController()

  private constructor(gateway: EtcdGateway) {
    this.#gateway = gateway
  }

  /**
   * Connects at the first request.
   *
   * @param host one member, as what is written there is seen there by a watch
   */
  static async create(host: string, access: EtcdAccess): Promise<EtcdClient> {
    return new EtcdClient(await EtcdGateway.create(host, access))
  }

  /**
   * All keys that begin with `prefix`, as of one revision.
   *
   * @param maxBytes of all keys and values; etcd's memory is not ours
   */
  async list(prefix: string, maxBytes: number): Promise<Listing> {
    const range_end = wire.bytes(endOfPrefix(prefix))
    const values: KeyValue[] = []
    let key: Buffer = Buffer.from(prefix)
    let at: { revision: number; clusterId: string } | undefined
    for (let bytes = 0; ;) {
      const request = { key: wire.bytes(key), range_end, limit: PAGE, ...(at && { revision: at.revision }) }
      const { header, kvs, more } = wire.readRange(await this.#gateway.ask('/v3/kv/range', request))
      at ??= { revision: Number(header.revision), clusterId: header.cluster_id }
      for (const kv of kvs) {
        bytes += kv.key.length + kv.value.length
        values.push(keyValue(kv))
      }
      if (bytes > maxBytes || values.length > MAX_KEYS) {
        throw new Error(`etcd holds more than ${MAX_KEYS} keys or ${maxBytes} bytes under ${prefix}`)
      }
      if (!more) return { values, ...at }
      key = startAfter(kvs, key)
    }
  }

  async transact(conditions: Condition[], then: Operation[], otherwise: Operation[] = []): Promise<Outcome> {
    const response = wire.readTxn(
      await this.#gateway.ask('/v3/kv/txn', {
        compare: conditions.map(compare),
        success: then.map(requestOp),
        failure: otherwise.map(requestOp)
      })
    )
    return {
      succeeded: response.succeeded,
      revision: Number(response.header.revision),
      found: foundBy(response, response.succeeded ? then : otherwise)
    }
  }

  /** @returns the lease and the seconds that etcd really gives it */
  async grantLease(seconds: number): Promise<{ lease: string; seconds: number }> {
    const { ID, TTL } = wire.readLease(await this.#gateway.ask('/v3/lease/grant', { TTL: seconds }))
    return { lease: ID, seconds: Number(TTL) }
  }

  /** @returns the seconds the lease has from now on, 0 when it is no more */
  async renewLease(lease: string): Promise<number> {
    const { result } = wire.readRenewal(await this.#gateway.ask('/v3/lease/keepalive', { ID: lease }))
    return Number(result.TTL)
  }

  /** Deletes all keys that were written under the lease. */
  async revokeLease(lease: string): Promise<void> {
    await this.#gateway.ask('/v3/lease/revoke', { ID: lease })
  }

  /** Tells of each change under `prefix` from a revision on. Resolves once etcd has accepted the watch. */
  async watch(prefix: string, fromRevision: number, { onChanges, onEnd }: WatchHandlers): Promise<void> {
    const request = {
      create_request: {
        key: wire.bytes(prefix),
        range_end: wire.bytes(endOfPrefix(prefix)),
        start_revision: fromRevision,
        progress_notify: true
      }
    }
    const ending = new AbortController()
    const signal = AbortSignal.any([ending.signal, this.#closed.signal])
    const unanswered = setTimeout(() => ending.abort(), REQUEST_TIMEOUT_MS)
    try {
      const messages = wire.readWatch(await this.#gateway.open('/v3/watch', request, signal))
      const first = await messages.next()
      if (first.done === true) throw new Error('etcd ended the watch')
      refuseCancelled(first.value)
      void this.#follow(messages, onChanges).then(onEnd)
    } catch (error) {
      const reason = ending.signal.aborted ? new Error('etcd did not answer the watch', { cause: error }) : error
      ending.abort()
      throw reason
    } finally {
      clearTimeout(unanswered)
    }
  }

  close(): void {
    this.#closed.abort()
    this.#gateway.close()
  }

  /** @returns why it ended */
  async #follow(messages: AsyncIterable<wire.WatchMessage>, onChanges: WatchHandlers['onChanges']): Promise<string> {
    try {
      for await (const message of messages) {
        refuseCancelled(message)
        onChanges(message.events.map(keyChange), Number(message.header.revision))
      }
      return 'etcd ended the watch'
    } catch (error) {
      return messageOf(error)
    }
  }
}

/** A watch ends from etcd's side when what it asks for is compacted, above all: the listing begins anew then. */
function refuseCancelled({ canceled, compact_revision, cancel_reason }: wire.WatchMessage): void {
  if (!canceled) return
  const compacted = compact_revision === '0' ? '' : `, as etcd is compacted up to ${compact_revision}`
  throw new Error(`${cancel_reason.slice(0, wire.REASON_LENGTH) || 'etcd cancelled the watch'}${compacted}`)
}

/** Where the next page begins. A page that has a next one is full, and its keys are in order: else there is no end of it. */
function startAfter(kvs: readonly wire.KeyValue[], start: Buffer): Buffer {
  const last = wire.rawOf(kvs.at(-1)?.key ?? '')
  if (kvs.length < PAGE || last.compare(start) < 0)
    throw new Error('etcd answered a range with pages that do not go on')
  return Buffer.concat([last, Buffer.from([0])])
}

/** The first key after all that begin with `prefix`, which ends in an ASCII character here. */
function endOfPrefix(prefix: string): string {
  return prefix.slice(0, -1) + String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1)
}

const keyValue = ({ key, value, create_revision, mod_revision }: wire.KeyValue): KeyValue => ({
  key: wire.textOf(key),
  value: wire.textOf(value),
  createRevision: Number(create_revision),
  modRevision: Number(mod_revision)
})

const keyChange = ({ type, kv }: wire.WatchMessage['events'][number]): KeyChange => ({
  ...keyValue(kv),
  ...(type === 'DELETE' && { value: undefined })
})

function compare({ key, of, equals }: Condition): object {
  const revision =
    of === 'create' ? { target: 'CREATE', create_revision: equals } : { target: 'MOD', mod_revision: equals }
  return { key: wire.bytes(key), result: 'EQUAL', ...revision }
}

function requestOp(operation: Operation): object {
  if ('get' in operation) return { request_range: { key: wire.bytes(operation.get) } }
  if ('delete' in operation) return { request_delete_range: { key: wire.bytes(operation.delete) } }
  const { put, value, lease } = operation
  return { request_put: { key: wire.bytes(put), value: wire.bytes(value), ...(lease !== undefined && { lease }) } }
}

function foundBy({ responses }: wire.Txn, operations: readonly Operation[]): (KeyValue | undefined)[] {
  return operations.flatMap((operation, i) => {
    if (!('get' in operation)) return []
    const [found] = responses[i]?.response_range?.kvs ?? []
    return [found && keyValue(found)]
  })
}
