/**
 * An element with attributes and children. Strings become text, never markup: most of what the page shows
 * was said by pods.
 *
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Record<string, string>} [attributes]
 * @param {(Node | string)[]} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value)
  node.append(...children)
  return node
}

/**
 * One of the elements that page.html has.
 *
 * @param {string} id
 */
export function byId(id) {
  const node = document.getElementById(id)
  if (node === null) throw new Error(`page.html has no #${id}`)
  return node
}

/**
 * Leaves the node alone when it says so already: a selection in it lives on, and nothing is announced twice.
 *
 * @param {HTMLElement} node
 * @param {string} text
 */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text
}

/**
 * A word with its level, which the style sheet shows as a shape and a colour.
 *
 * @param {HTMLElement} node
 * @param {string} text
 * @param {Level} level
 *
 * @typedef {'ok' | 'warn' | 'bad' | 'idle'} Level
 */
export function setMark(node, text, level) {
  node.classList.add('mark')
  node.dataset.level = level
  setText(node, text)
}
