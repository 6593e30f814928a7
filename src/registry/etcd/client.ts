import type {
  Etcd3,
  IOptions,
  ICompare,
  IDuplexStream,
  IKeyValue,
  IRequestOp,
  ITxnResponse,
  IWatchResponse
} from 'etcd3'

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

type Policy = ReturnType<NonNullable<NonNullable<IOptions['faultHandling']>['host']>>

/** etcd3 by itself tries four times, each with the whole time-out, and then stays away from a member for 5 s. */
const tryOnce = {
  execute: async (work: (context: { signal: AbortSignal }) => unknown) => work({ signal: new AbortController().signal })
} as Policy

/** Every single request; a cluster that is choosing a leader needs about a second. */
const REQUEST_TIMEOUT_MS = 2000
const PAGE = 500

/**
 * The few requests to etcd v3 that the store needs, on the RPC layer of etcd3:
 * its own watcher may skip changes when a connection breaks between the
 * creation of a watch and its first event.
 */
export class EtcdClient {
  readonly #etcd: Etcd3

  private constructor(etcd: Etcd3) {
    this.#etcd = etcd
  }

  /**
   * Loads the library, which nobody needs who has no etcd. Connects at the first request.
   *
   * @param host one member, as what is written there is seen there by a watch
   */
  static async create(host: string): Promise<EtcdClient> {
    const { Etcd3 } = await import('etcd3')
    return new EtcdClient(
      new Etcd3({
        hosts: host,
        faultHandling: { host: () => tryOnce, global: tryOnce },
        grpcOptions: { 'grpc.keepalive_time_ms': 10_000, 'grpc.keepalive_timeout_ms': 5000 },
        defaultCallOptions: ({ isStream }) => (isStream ? {} : { deadline: Date.now() + REQUEST_TIMEOUT_MS })
      })
    )
  }

  /** All keys that begin with `prefix`, as of one revision. */
  async list(prefix: string): Promise<Listing> {
    const end = endOfPrefix(prefix)
    const values: KeyValue[] = []
    let key = Buffer.from(prefix)
    let at: { revision: number; clusterId: string } | undefined
    for (;;) {
      const request = { key, range_end: end, limit: PAGE, ...(at !== undefined && { revision: at.revision }) }
      const { header, kvs, more } = await this.#etcd.kv.range(request)
      at ??= { revision: Number(header.revision), clusterId: header.cluster_id }
      values.push(...kvs.map(keyValue))
      const last = kvs.at(-1)
      if (!more || last === undefined) return { values, ...at }
      key = Buffer.concat([last.key, Buffer.from([0])])
    }
  }

  async transact(conditions: Condition[], then: Operation[], otherwise: Operation[] = []): Promise<Outcome> {
    const response = await this.#etcd.kv.txn({
      compare: conditions.map(compare),
      success: then.map(requestOp),
      failure: otherwise.map(requestOp)
    })
    return {
      succeeded: response.succeeded,
      revision: Number(response.header.revision),
      found: foundBy(response, response.succeeded ? then : otherwise)
    }
  }

  /** @returns the lease and the seconds that etcd really gives it */
  async grantLease(seconds: number): Promise<{ lease: string; seconds: number }> {
    const { ID, TTL } = await this.#etcd.leaseClient.leaseGrant({ TTL: seconds })
    return { lease: ID, seconds: Number(TTL) }
  }

  /** @returns the seconds the lease has from now on, 0 when it is no more */
  async renewLease(lease: string): Promise<number> {
    const stream = await this.#etcd.leaseClient.leaseKeepAlive({ deadline: Date.now() + REQUEST_TIMEOUT_MS })
    try {
      return await new Promise<number>((resolve, reject) => {
        stream
          .on('data', ({ TTL }) => resolve(Number(TTL)))
          .on('error', reject)
          .on('end', () => reject(new Error('etcd ended the renewal of a lease')))
        stream.write({ ID: lease })
      })
    } finally {
      stream.end()
    }
  }

  /** Deletes all keys that were written under the lease. */
  async revokeLease(lease: string): Promise<void> {
    await this.#etcd.leaseClient.leaseRevoke({ ID: lease })
  }

  /** Tells of each change under `prefix` from a revision on. Resolves once etcd has accepted the watch. */
  async watch(prefix: string, fromRevision: number, { onChanges, onEnd }: WatchHandlers): Promise<void> {
    const stream = await this.#etcd.watchClient.watch()
    let accepted = false
    let ended = false
    const end = (reason: string): void => {
      if (ended) return
      ended = true
      cancelQuietly(stream)
      onEnd(reason)
    }
    await new Promise<void>((resolve, reject) => {
      const refuse = (reason: string): void => {
        reject(new Error(reason))
        end(reason)
      }
      stream
        .on('error', (error) => refuse(error.message))
        .on('end', () => refuse('etcd ended the watch'))
        .on('data', (response: IWatchResponse) => {
          if (response.canceled) return refuse(response.cancel_reason || 'etcd cancelled the watch')
          if (response.created) {
            accepted = true
            return resolve()
          }
          if (!ended) onChanges(response.events.map(keyChange), Number(response.header.revision))
        })
      stream.write({
        create_request: {
          key: Buffer.from(prefix),
          range_end: endOfPrefix(prefix),
          start_revision: fromRevision,
          progress_notify: true
        }
      })
      // Without a word from etcd the promise would never settle.
      setTimeout(() => !accepted && refuse('etcd did not answer the watch'), REQUEST_TIMEOUT_MS).unref()
    })
  }

  close(): void {
    this.#etcd.close()
  }
}

function cancelQuietly(stream: IDuplexStream<unknown, unknown>): void {
  // Cancelling makes the stream fail once more, which says nothing new.
  stream.on('error', () => {})
  stream.cancel()
}

/** The first key after all that begin with `prefix`, which ends in an ASCII character here. */
function endOfPrefix(prefix: string): Buffer {
  const end = Buffer.from(prefix)
  end[end.length - 1] = (end.at(-1) ?? 0) + 1
  return end
}

const keyValue = ({ key, value, create_revision, mod_revision }: IKeyValue): KeyValue => ({
  key: key.toString(),
  value: value.toString(),
  createRevision: Number(create_revision),
  modRevision: Number(mod_revision)
})

const keyChange = ({ type, kv }: { type: string; kv: IKeyValue }): KeyChange => ({
  ...keyValue(kv),
  // etcd3 declares `Delete`, and says `DELETE`.
  ...(type.toUpperCase() === 'DELETE' && { value: undefined })
})

function compare({ key, of, equals }: Condition): ICompare {
  return of === 'create'
    ? { key: Buffer.from(key), target: 'Create', result: 'Equal', create_revision: equals }
    : { key: Buffer.from(key), target: 'Mod', result: 'Equal', mod_revision: equals }
}

function requestOp(operation: Operation): IRequestOp {
  if ('get' in operation) return { request_range: { key: Buffer.from(operation.get) } }
  if ('delete' in operation) return { request_delete_range: { key: Buffer.from(operation.delete) } }
  const { put, value, lease } = operation
  const request = { key: Buffer.from(put), value: Buffer.from(value), ...(lease !== undefined && { lease }) }
  return { request_put: request }
}

function foundBy({ responses }: ITxnResponse, operations: readonly Operation[]): (KeyValue | undefined)[] {
  return responses.flatMap(({ response_range }, i) => {
    if (!('get' in (operations[i] ?? {}))) return []
    const [found] = response_range.kvs
    return [found === undefined ? undefined : keyValue(found)]
  })
}
