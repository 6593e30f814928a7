import { byId, element, setMark, setText } from './element.js'
import { FoldedTable } from './folded-table.js'
import { KeyedList } from './keyed-list.js'
import { counted, grouped, shortened } from './words.js'

/**
 * @typedef {{ app: string, id: string, ip: string, key: string, role: string, payload: unknown, lastSeen: string,
 *   held: boolean }} Pod
 * @typedef {{ app: string, pods: Pod[], total: number }} App
 * @typedef {import('./server-clock.js').ServerClock} ServerClock
 */

/** Apps that are listed; the search finds the others. */
const MAX_APPS = 200
/** A search with so few apps left shows their pods at once. */
const OPENED_BY_SEARCH = 5
const PAYLOAD_CHARACTERS = 200

/** Pods by app, each app's opened on demand. */
export class PodsView {
  #apps
  #note = byId('pods-note')
  #search = /** @type {HTMLInputElement} */ (byId('search'))
  /** @type {readonly Pod[]} */
  #pods = []

  /** @param {ServerClock} clock */
  constructor(clock) {
    this.#apps = new KeyedList(
      byId('apps'),
      (/** @type {App} */ { app }) => app,
      ({ app }) => createApp(app, clock)
    )
    this.#search.addEventListener('input', () => this.#showMatching(true))
  }

  /** @param {{ pods: Pod[] }} body */
  show({ pods }) {
    this.#pods = pods
    this.#showMatching(false)
  }

  /** @param {boolean} searched just now, by the operator */
  #showMatching(searched) {
    const words = this.#search.value.toLowerCase().split(/\s+/).filter(Boolean)
    const apps = groupByApp(this.#pods, words)
    this.#apps.show(apps.slice(0, MAX_APPS))
    setText(this.#note, describe(apps, words.length > 0))
    if (!searched || words.length === 0 || apps.length > OPENED_BY_SEARCH) return
    for (const details of byId('apps').querySelectorAll('details')) details.open = true
  }
}

/**
 * @param {readonly Pod[]} pods
 * @param {readonly string[]} words each of which a pod must contain
 * @returns {App[]} those with a pod that matches, by name
 */
function groupByApp(pods, words) {
  /** @type {Map<string, App>} */
  const apps = new Map()
  for (const pod of pods) {
    const entry = apps.get(pod.app) ?? { app: pod.app, pods: [], total: 0 }
    apps.set(pod.app, entry)
    entry.total++
    if (words.length === 0 || matches(pod, words)) entry.pods.push(pod)
  }
  return [...apps.values()].filter((entry) => entry.pods.length > 0).sort((a, b) => (a.app < b.app ? -1 : 1))
}

/**
 * @param {Pod} pod
 * @param {readonly string[]} words
 */
function matches({ app, id, ip, key, role }, words) {
  const text = `${app} ${id} ${ip} ${key} ${role}`.toLowerCase()
  return words.every((word) => text.includes(word))
}

/**
 * @param {readonly App[]} apps
 * @param {boolean} searching
 */
function describe(apps, searching) {
  if (apps.length === 0) return searching ? 'No pod matches.' : 'No pod has reported itself yet.'
  const hidden = apps.length - MAX_APPS
  return hidden > 0 ? `The first ${MAX_APPS} apps; ${counted(hidden, 'more app')} can be searched for.` : ''
}

/**
 * @param {string} app
 * @param {ServerClock} clock
 */
function createApp(app, clock) {
  const table = new FoldedTable({
    caption: `Pods of ${app}`,
    noun: 'pod',
    columns: columns(clock),
    keyOf: (/** @type {Pod} */ { key }) => key
  })
  const count = element('span', { class: 'quiet' })
  const held = element('span')
  table.summary.append(element('b', {}, app), ' ', count, ' ', held)
  const own = app === document.body.dataset.app ? ', the proxies themselves' : ''
  return {
    node: table.element,
    /** @param {App} now */
    update({ pods, total }) {
      const all = counted(total, 'pod')
      setText(count, (pods.length === total ? all : `${grouped(pods.length)} of ${all}`) + own)
      const silent = pods.filter((pod) => pod.held).length
      held.hidden = silent === 0
      setMark(held, `${grouped(silent)} held`, 'warn')
      table.show(pods)
    }
  }
}

/**
 * @param {ServerClock} clock
 * @returns {import('./data-table.js').Column<Pod>[]}
 */
function columns(clock) {
  return [
    { title: 'Address', fill: (cell, { ip }) => setText(cell, ip) },
    { title: 'Id', fill: (cell, { id }) => setText(cell, id) },
    { title: 'Role', fill: (cell, { role }) => setText(cell, role) },
    { title: 'Last seen', fill: (cell, { lastSeen }) => clock.showAge(cell, lastSeen) },
    { title: 'State', fill: (cell, { held }) => setMark(cell, held ? 'held' : 'live', held ? 'warn' : 'ok') },
    { title: 'Payload', kind: 'wide', fill: (cell, { payload }) => setText(cell, payloadText(payload)) }
  ]
}

/** @param {unknown} payload */
function payloadText(payload) {
  const text = typeof payload === 'string' ? payload : JSON.stringify(payload)
  return shortened(text === 'null' ? '' : text, PAYLOAD_CHARACTERS)
}
