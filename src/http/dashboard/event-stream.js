import { eventTypes } from './event-text.js'

const RETRY_MS = 2000

/**
 * Server-Sent Events by fetch: the browser's own EventSource shows no token, and gives up for good when it meets an
 * error answer, such as that of a proxy in between while the control tier restarts.
 */
export class EventStream {
  #open
  #listener
  /** @type {AbortController | undefined} */
  #reading
  /** @type {number | undefined} */
  #timer

  /**
   * @param {(signal: AbortSignal) => Promise<Response>} open
   * @param {{ event: (type: string, data: unknown) => void, changed: (open: boolean) => void }} listener
   */
  constructor(open, listener) {
    this.#open = open
    this.#listener = listener
  }

  open() {
    this.close()
    const reading = new AbortController()
    this.#reading = reading
    this.#read(reading.signal)
      .catch(() => {})
      .finally(() => {
        if (reading.signal.aborted) return
        this.#timer = setTimeout(() => this.open(), RETRY_MS)
        this.#listener.changed(false)
      })
  }

  close() {
    clearTimeout(this.#timer)
    this.#reading?.abort()
    this.#reading = undefined
  }

  /** @param {AbortSignal} signal */
  async #read(signal) {
    const response = await this.#open(signal)
    if (!response.ok || response.body === null) return
    this.#listener.changed(true)
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
    let text = ''
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      const events = (text + part.value).split('\n\n')
      text = events.pop() ?? ''
      for (const event of events) this.#tell(event)
    }
  }

  /** @param {string} text lines of one event */
  #tell(text) {
    const type = /^event: (.*)$/m.exec(text)?.[1] ?? ''
    const data = /^data: (.*)$/m.exec(text)?.[1]
    if (data !== undefined && eventTypes.includes(type)) this.#listener.event(type, JSON.parse(data))
  }
}
