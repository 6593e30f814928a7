import { byId, element, setMark } from './element.js'
import { countServers } from './findings.js'
import { KeyedList } from './keyed-list.js'
import { counted, grouped } from './words.js'

/**
 * @typedef {import('./findings.js').Latest} Latest
 * @typedef {{ section: string, title: string, text: string, level: import('./element.js').Level }} Fact
 */

/** The figures one looks for first, each a link to its section. */
export class GlanceView {
  #facts = new KeyedList(byId('glance'), (/** @type {Fact} */ { section }) => section, createFact)

  /** @param {Latest} latest */
  show(latest) {
    this.#facts.show([pods(latest), servers(latest), round(latest), lifecycle(latest), dns(latest)].flat())
  }
}

/**
 * @param {Latest} latest
 * @returns {Fact[]}
 */
function pods({ pods: body }) {
  if (body === undefined) return []
  const held = body.pods.filter((pod) => pod.held).length
  const text = grouped(body.pods.length) + (held > 0 ? `, ${grouped(held)} held` : ' live')
  return [{ section: 'pods', title: 'Pods', text, level: held > 0 ? 'warn' : 'ok' }]
}

/**
 * @param {Latest} latest
 * @returns {Fact[]}
 */
function servers({ haproxy }) {
  if (haproxy === undefined) return []
  const { all, down } = countServers(haproxy)
  const text = down > 0 ? `${grouped(down)} of ${grouped(all)} down` : `${grouped(all)}, none down`
  return [{ section: 'haproxy', title: 'Servers', text, level: down > 0 ? 'bad' : 'ok' }]
}

/**
 * @param {Latest} latest
 * @returns {Fact[]}
 */
function round({ rounds }) {
  const last = rounds?.reconfigurations.at(-1)
  if (last === undefined) return []
  const failed = last.outcome === 'failed'
  return [{ section: 'rounds', title: 'Last change', text: last.outcome, level: failed ? 'bad' : 'ok' }]
}

/**
 * @param {Latest} latest
 * @returns {Fact[]}
 */
function lifecycle({ lifecycle: body }) {
  if (body === undefined) return []
  const text = body.queue.length > 0 ? `${body.state}, ${counted(body.queue.length, 'request')} waiting` : body.state
  return [{ section: 'lifecycle', title: 'Life cycle', text, level: 'idle' }]
}

/**
 * @param {Latest} latest
 * @returns {Fact[]}
 */
function dns({ dns: body }) {
  if (body === undefined) return []
  if (!body.enabled) return [{ section: 'dns', title: 'DNS', text: 'not used', level: 'idle' }]
  const failed = body.records.filter(({ lastError }) => lastError !== undefined).length
  const text = failed > 0 ? counted(failed, 'error') : counted(body.records.length, 'record')
  return [{ section: 'dns', title: 'DNS', text, level: failed > 0 ? 'bad' : 'ok' }]
}

/** @param {Fact} fact */
function createFact({ section, title }) {
  const value = element('span')
  const link = element('a', { href: `#${section}` }, element('span', { class: 'quiet' }, title), ' ', value)
  return {
    node: element('li', {}, link),
    /** @param {Fact} fact */
    update: ({ text, level }) => setMark(value, text, level)
  }
}
