import { isoTime } from '../model/iso-time.ts'
import { stringifyStrictJson } from '../model/json/json.ts'
import type { Clock } from '../platform/clock.ts'
import { KeptLines } from '../platform/files/kept-lines.ts'
import { Listeners, type Unsubscribe } from '../platform/listeners.ts'
import type { Logger } from '../platform/logger.ts'

export interface ProgramEvent {
  /** Name of the event, such as `pod-up`. */
  type: string
  /** Shown as JSON. */
  data: unknown
}

/** An event as it is sent. */
export interface NumberedEvent {
  /** Grows from event to event, over restarts as well. */
  id: number
  type: string
  /** JSON, on one line. */
  data: string
}

export interface Replay {
  /** Whether more has happened since than is remembered. */
  missed: boolean
  /** Oldest first. */
  events: readonly NumberedEvent[]
}

export interface EventHistoryOptions {
  path: string
  clock: Pick<Clock, 'now'>
  logger: Logger
}

const MOST_EVENTS = 1_000
/** Less than what may wait for a client that reads slowly: all of it can be sent at once. */
const MOST_BYTES = 768 * 1024
/** A larger one is told and not remembered: of a fleet that is held, say. */
const MOST_BYTES_EACH = 64 * 1024

/** Of those who know no id and want all that is remembered. */
const FROM_THE_BEGINNING = '0'

const LINE = /^\{"id":([1-9]\d{0,14}),"type":"([a-z-]+)","data":(\{.*\})\}$/

/** The last events with their ids, for listeners that lost the connection; in memory, and in a file for the next start. */
export class EventHistory {
  readonly #clock: EventHistoryOptions['clock']
  readonly #lines: KeptLines
  readonly #listeners: Listeners<NumberedEvent>
  readonly #events: NumberedEvent[] = []
  #bytes = 0
  /** Id of the newest that is forgotten. */
  #forgotten = 0
  #lastId = 0
  #unwritten: string[] = []

  constructor({ path, clock, logger }: EventHistoryOptions) {
    this.#clock = clock
    this.#lines = new KeptLines({ path, maxBytes: MOST_BYTES, logger, what: 'events' })
    this.#listeners = new Listeners('events', logger)
    for (const event of this.#lines.read().flatMap(eventOf)) if (event.id > this.#lastId) this.#keep(event)
  }

  subscribe(listener: (event: NumberedEvent) => void): Unsubscribe {
    return this.#listeners.subscribe(listener)
  }

  /** Remembers what has happened, and tells the listeners. */
  add({ type, data }: ProgramEvent): void {
    // Of the time, so that ids do not begin anew where the file was lost, and no id is another event's after a crash.
    const id = Math.max(this.#lastId + 1, this.#clock.now())
    const event = { id, type, data: stringifyStrictJson(data) }
    const kept = Buffer.byteLength(event.data) <= MOST_BYTES_EACH ? event : this.#missed(id, type)
    this.#keep(kept)
    this.#write(`{"id":${id},"type":"${kept.type}","data":${kept.data}}\n`)
    this.#listeners.emit(event)
  }

  /** @param lastId that a listener has seen, as it sends it */
  since(lastId: string): Replay {
    if (lastId === FROM_THE_BEGINNING) return { missed: false, events: this.#events }
    const at = this.#events.findIndex(({ id }) => String(id) === lastId)
    const missed = at === -1 && lastId !== String(this.#forgotten)
    return { missed, events: missed ? this.#events : this.#events.slice(at + 1) }
  }

  close(): void {
    this.#flush()
    this.#lines.close()
  }

  #missed(id: number, what: string): NumberedEvent {
    const at = isoTime(this.#clock.now())
    return { id, type: 'missed', data: JSON.stringify({ at, what }) }
  }

  #keep(event: NumberedEvent): void {
    this.#lastId = event.id
    this.#events.push(event)
    this.#bytes += Buffer.byteLength(event.data)
    while (this.#events.length > MOST_EVENTS || this.#bytes > MOST_BYTES) {
      const oldest = this.#events.shift()
      if (oldest === undefined) return
      this.#bytes -= Buffer.byteLength(oldest.data)
      this.#forgotten = oldest.id
    }
  }

  /** Once in a turn: ten thousand pods may join in one. */
  #write(line: string): void {
    if (this.#unwritten.length === 0) setImmediate(() => this.#flush())
    this.#unwritten.push(line)
  }

  #flush(): void {
    if (this.#unwritten.length === 0) return
    this.#lines.append(this.#unwritten.join(''))
    this.#unwritten = []
  }
}

/** None for a line that a kill has cut, or that somebody else wrote. */
function eventOf(line: string): NumberedEvent[] {
  const [, id, type = '', data = ''] = LINE.exec(line) ?? []
  if (id === undefined) return []
  try {
    JSON.parse(data)
    return [{ id: Number(id), type, data }]
  } catch {
    return []
  }
}
