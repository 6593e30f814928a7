import { DataTable } from './data-table.js'
import { element } from './element.js'

/**
 * A table that is filled while somebody looks at it.
 *
 * @template T
 */
export class FoldedTable {
  element
  summary = element('summary')
  #table
  /** @type {readonly T[]} */
  #items = []

  /** @param {import('./data-table.js').TableOptions<T>} options */
  constructor(options) {
    this.#table = new DataTable(options)
    this.element = element('details', {}, this.summary, this.#table.element)
    this.element.addEventListener('toggle', () => this.#fill())
  }

  /** @param {readonly T[]} items */
  show(items) {
    this.#items = items
    this.#fill()
  }

  #fill() {
    this.#table.show(this.element.open ? this.#items : [])
  }
}
