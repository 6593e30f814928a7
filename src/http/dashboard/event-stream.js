import { eventTypes } from './event-text.js'

const RETRY_MS = 2000

/**
 * Server-Sent Events with a reconnect of our own: the browser's gives up for good when it meets an error answer,
 * such as that of a proxy in between while the control tier restarts.
 */
export class EventStream {
  #path
  #listener
  /** @type {EventSource | undefined} */
  #source
  /** @type {number | undefined} */
  #timer

  /**
   * @param {string} path
   * @param {{ event: (type: string, data: unknown) => void, changed: (open: boolean) => void }} listener
   */
  constructor(path, listener) {
    this.#path = path
    this.#listener = listener
  }

  open() {
    this.close()
    const source = new EventSource(this.#path)
    this.#source = source
    source.onopen = () => this.#listener.changed(true)
    source.onerror = () => {
      this.close()
      this.#timer = setTimeout(() => this.open(), RETRY_MS)
      this.#listener.changed(false)
    }
    for (const type of eventTypes) {
      source.addEventListener(type, ({ data }) => this.#listener.event(type, JSON.parse(String(data))))
    }
  }

  close() {
    clearTimeout(this.#timer)
    this.#source?.close()
    this.#source = undefined
  }
}
