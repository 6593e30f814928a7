/**
 * Keeps the children of an element in line with a list. What stays keeps its node, and with it focus, selection and
 * whether it is open.
 *
 * @template T
 * @typedef {{ node: HTMLElement, update: (item: T) => void }} Child
 */

/** @template T */
export class KeyedList {
  #parent
  #keyOf
  #create
  /** @type {Map<string, Child<T>>} */
  #children = new Map()

  /**
   * @param {HTMLElement} parent
   * @param {(item: T) => string} keyOf
   * @param {(item: T) => Child<T>} create it is updated right after
   */
  constructor(parent, keyOf, create) {
    this.#parent = parent
    this.#keyOf = keyOf
    this.#create = create
  }

  /** @param {readonly T[]} items */
  show(items) {
    const former = this.#children
    this.#children = new Map()
    for (const item of items) {
      const key = this.#keyOf(item)
      const child = former.get(key) ?? this.#create(item)
      former.delete(key)
      child.update(item)
      this.#children.set(key, child)
    }
    for (const { node } of former.values()) node.remove()
    this.#arrange()
  }

  /** Moves only what stands in the wrong place: a node that is moved loses the focus. */
  #arrange() {
    let next = this.#parent.firstElementChild
    for (const { node } of this.#children.values()) {
      if (node === next) next = next.nextElementSibling
      else this.#parent.insertBefore(node, next)
    }
  }
}
