import { element, setText } from './element.js'
import { KeyedList } from './keyed-list.js'
import { counted } from './words.js'

/** Rows that a browser lays out without a pause; 10,000 of them would freeze it. */
const MAX_ROWS = 200

/**
 * @template T
 * @typedef {object} Column
 * @property {string} title
 * @property {(cell: HTMLElement, item: T) => void} fill
 * @property {'number' | 'wide' | 'lines'} [kind]
 */

/**
 * @template T
 * @typedef {object} TableOptions
 * @property {string} caption
 * @property {string} noun of one row
 * @property {readonly Column<T>[]} columns the first names the row
 * @property {(item: T) => string} keyOf
 */

/**
 * A table that scrolls inside its own box, never the page.
 *
 * @template T
 */
export class DataTable {
  element
  #rows
  #more = element('p', { class: 'quiet more' })
  #noun

  /** @param {TableOptions<T>} options */
  constructor({ caption, noun, columns, keyOf }) {
    this.#noun = noun
    const titles = columns.map(({ title, kind }) => element('th', { scope: 'col', class: kind ?? '' }, title))
    const body = element('tbody')
    const table = element(
      'table',
      {},
      element('caption', { class: 'unseen' }, caption),
      element('thead', {}, element('tr', {}, ...titles)),
      body
    )
    // A box that scrolls must take the focus, or a keyboard cannot scroll it.
    const box = element('div', { class: 'scroll', role: 'group', 'aria-label': caption, tabindex: '0' }, table)
    this.element = element('div', {}, box, this.#more)
    this.#rows = new KeyedList(body, keyOf, () => createRow(columns))
    this.show([])
  }

  /** @param {readonly T[]} items */
  show(items) {
    this.element.hidden = items.length === 0
    this.#rows.show(items.slice(0, MAX_ROWS))
    const hidden = items.length - MAX_ROWS
    this.#more.hidden = hidden <= 0
    setText(this.#more, `and ${counted(hidden, `more ${this.#noun}`)}`)
  }
}

/**
 * @template T
 * @param {readonly Column<T>[]} columns
 */
function createRow(columns) {
  const cells = columns.map(({ kind }, index) =>
    element(index === 0 ? 'th' : 'td', { ...(index === 0 && { scope: 'row' }), class: kind ?? '' })
  )
  return {
    node: element('tr', {}, ...cells),
    /** @param {T} item */
    update(item) {
      columns.forEach(({ fill }, index) => fill(/** @type {HTMLElement} */ (cells[index]), item))
    }
  }
}
