import { DataTable } from './data-table.js'
import { byId, setText } from './element.js'
import { eventText } from './event-text.js'
import { shortened } from './words.js'

/** @typedef {{ id: number, at: string, type: string, text: string }} Entry */

const KEPT = 50
const TEXT_CHARACTERS = 300
/** A fleet that joins at once tells ten thousand things in a second; they are drawn together. */
const DRAW_EVERY_MS = 250

/** What happens, newest first, from the moment the page was opened. */
export class EventsView {
  #clock
  #table
  #note = byId('events-note')
  /** @type {Entry[]} */
  #entries = []
  #nextId = 0
  #drawn = true
  #listening = false
  #hasListened = false

  /** @param {import('./server-clock.js').ServerClock} clock */
  constructor(clock) {
    this.#clock = clock
    this.#table = new DataTable({
      caption: 'Events, newest first',
      noun: 'event',
      columns: columns(clock),
      keyOf: (/** @type {Entry} */ { id }) => String(id)
    })
    byId('events').append(this.#table.element)
    this.#describe()
  }

  /**
   * @param {string} type
   * @param {unknown} data
   */
  add(type, data) {
    const text = eventText(type, data)
    if (text === undefined) return
    this.#keep(type, shortened(text, TEXT_CHARACTERS))
  }

  /** @param {boolean} listening */
  showListening(listening) {
    const missed = listening && !this.#listening && this.#hasListened
    this.#listening = listening
    this.#hasListened ||= listening
    if (missed) this.#keep('page', 'listens again; what happened in between is not shown here')
    this.#describe()
  }

  /**
   * @param {string} type
   * @param {string} text
   */
  #keep(type, text) {
    const at = new Date(this.#clock.now()).toISOString()
    this.#entries = [{ id: this.#nextId++, at, type, text }, ...this.#entries.slice(0, KEPT - 1)]
    if (this.#drawn) setTimeout(() => this.#draw(), DRAW_EVERY_MS)
    this.#drawn = false
  }

  #draw() {
    this.#drawn = true
    this.#table.show(this.#entries)
    this.#describe()
  }

  #describe() {
    const quiet = this.#entries.length === 0 ? 'Nothing has happened since this page was opened.' : 'As they happen.'
    setText(this.#note, this.#listening ? quiet : 'Not listening at the moment; trying again.')
  }
}

/**
 * @param {import('./server-clock.js').ServerClock} clock
 * @returns {import('./data-table.js').Column<Entry>[]}
 */
function columns(clock) {
  return [
    { title: 'Time', fill: (cell, { at }) => clock.showTime(cell, at) },
    { title: 'Event', fill: (cell, { type }) => setText(cell, type) },
    { title: 'What', kind: 'wide', fill: (cell, { text }) => setText(cell, text) }
  ]
}
