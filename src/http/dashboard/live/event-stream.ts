const RETRY_MS = 2000
/** The control tier says something each 15 s: what is silent for longer is a connection that nobody holds any more. */
const SILENT_MS = 40_000

export interface EventListener {
  event: (type: string, data: unknown) => void
  changed: (open: boolean) => void
}

/**
 * Server-Sent Events by fetch: the browser's own EventSource shows no token, and gives up for good when it meets an
 * error answer, such as that of a proxy in between while the control tier restarts.
 */
export class EventStream {
  readonly #open: (signal: AbortSignal, headers: Record<string, string>) => Promise<Response>
  readonly #listener: EventListener
  #reading: AbortController | undefined
  #timer: number | undefined
  #silence: number | undefined
  /** Of the last event; what was missed is told again from there. At first: all that the control tier remembers. */
  #lastId = '0'

  constructor(
    open: (signal: AbortSignal, headers: Record<string, string>) => Promise<Response>,
    listener: EventListener
  ) {
    this.#open = open
    this.#listener = listener
  }

  open(): void {
    this.close()
    const reading = new AbortController()
    this.#reading = reading
    this.#read(reading)
      .catch(() => {})
      .finally(() => {
        if (this.#reading !== reading) return
        this.#timer = setTimeout(() => this.open(), RETRY_MS)
        this.#listener.changed(false)
      })
  }

  close(): void {
    clearTimeout(this.#timer)
    clearTimeout(this.#silence)
    this.#reading?.abort()
    this.#reading = undefined
  }

  async #read(reading: AbortController): Promise<void> {
    const response = await this.#open(reading.signal, { 'last-event-id': this.#lastId })
    if (!response.ok || response.body === null) return
    this.#listener.changed(true)
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
    let text = ''
    this.#heard(reading)
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      this.#heard(reading)
      const events = (text + part.value).split('\n\n')
      text = events.pop() ?? ''
      for (const event of events) this.#tell(event)
    }
  }

  #heard(reading: AbortController): void {
    clearTimeout(this.#silence)
    this.#silence = setTimeout(() => reading.abort(), SILENT_MS)
  }

  #tell(text: string): void {
    const field = (name: string): string | undefined => new RegExp(`^${name}: (.*)$`, 'm').exec(text)?.[1]
    const data = field('data')
    this.#lastId = field('id') ?? this.#lastId
    if (data !== undefined) this.#listener.event(field('event') ?? '', JSON.parse(data))
  }
}
