import type { ControlTier, Readiness } from './control-tier.ts'
import { EventStream } from './event-stream.ts'
import { Refresher } from './refresher.ts'

const READY_EVERY_MS = 5000
const LOST_RETRY_MS = 1000
/** After these the control tier may be ready where it was not, or the other way round. */
const READY_EVENTS = ['state', 'reconfigured', 'alarm', 'leader', 'backend']

export interface ConnectionState {
  /** Whether the control tier answered when it was asked last. */
  connected: boolean
  /** When it did, by its own clock; undefined before the first answer. */
  heardAt: number | undefined
  /** Whether events come. */
  listening: boolean
  ready: Readiness | undefined
  /** A page that nobody sees asks nothing, and leaves the browser's few connections to those that are seen. */
  visible: boolean
}

type Listener = () => void

/** Knows whether the control tier is there at all, and tells what happens in it. */
export class Connection {
  readonly tier: ControlTier
  readonly #listeners = new Set<Listener>()
  readonly #eventListeners = new Set<(type: string, data: unknown) => void>()
  readonly #ready: Refresher
  readonly #stream: EventStream
  state: ConnectionState = { connected: true, heardAt: undefined, listening: false, ready: undefined, visible: true }

  constructor(tier: ControlTier) {
    this.tier = tier
    this.#ready = new Refresher(
      () => this.#askReady(),
      () => (this.state.connected ? READY_EVERY_MS : LOST_RETRY_MS)
    )
    this.#stream = new EventStream((signal, headers) => tier.stream('api/v1/events', signal, headers), {
      event: (type, data) => this.#happened(type, data),
      changed: (listening) => {
        this.#change({ listening })
        this.#ready.soon()
      }
    })
  }

  start(): void {
    document.addEventListener('visibilitychange', () => this.#followVisibility())
    this.#followVisibility()
  }

  /** Told whenever the state has changed. */
  subscribe(listener: Listener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  onEvent(listener: (type: string, data: unknown) => void): () => void {
    this.#eventListeners.add(listener)
    return () => this.#eventListeners.delete(listener)
  }

  /** Somebody else's question found nobody there. */
  doubt(): void {
    this.#ready.soon()
  }

  #followVisibility(): void {
    if (document.hidden) {
      this.#ready.pause()
      this.#stream.close()
      this.#change({ visible: false, listening: false })
    } else {
      this.#change({ visible: true })
      this.#ready.start()
      this.#stream.open()
    }
  }

  async #askReady(): Promise<boolean> {
    const ready = await this.tier.readiness().catch(() => undefined)
    if (ready === undefined) this.#change({ connected: false })
    else this.#change({ connected: true, ready, heardAt: this.tier.now() })
    return ready !== undefined
  }

  #happened(type: string, data: unknown): void {
    for (const listener of this.#eventListeners) listener(type, data)
    if (READY_EVENTS.includes(type)) this.#ready.soon()
  }

  #change(change: Partial<ConnectionState>): void {
    this.state = { ...this.state, ...change }
    for (const listener of this.#listeners) listener()
  }
}
