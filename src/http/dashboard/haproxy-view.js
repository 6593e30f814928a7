import { byId, element, setMark, setText } from './element.js'
import { FoldedTable } from './folded-table.js'
import { KeyedList } from './keyed-list.js'
import { byteCount, counted, duration, grouped } from './words.js'

/**
 * @typedef {import('./element.js').Level} Level
 * @typedef {{ status: string, sessions: number, totalSessions: number, bytesIn: number, bytesOut: number }} Side
 * @typedef {Side & { name: string, address: string }} Server
 * @typedef {{ name: string, frontend?: Side, backend?: Side, servers: Server[] }} Proxy
 * @typedef {{ pid: number, uptimeSeconds: number, connections?: number }} OldWorker
 * @typedef {{ version: string, pid: number, uptimeSeconds: number, reloads: number, workerPid?: number,
 *   oldWorkers: OldWorker[], proxies: Proxy[] }} Haproxy
 */

const MAX_PROXIES = 200

/** The process, and its proxies with their servers. */
export class HaproxyView {
  #note = byId('haproxy-note')
  #version = byId('version')
  #frontends = new KeyedList(byId('frontends'), nameOf, createFrontend)
  #backends = new KeyedList(byId('backends'), nameOf, createBackend)

  /** @param {Haproxy} haproxy */
  show(haproxy) {
    setText(this.#version, `, HAProxy ${haproxy.version}`)
    setText(this.#note, describe(haproxy))
    const proxies = haproxy.proxies.slice(0, MAX_PROXIES)
    this.#frontends.show(proxies.filter(isFrontend))
    this.#backends.show(proxies.filter((proxy) => !isFrontend(proxy)))
  }

  /** @param {{ message: string }} problem */
  showAway({ message }) {
    setText(this.#note, `${message}. What is shown was its last answer.`)
  }
}

/** @param {Haproxy} haproxy */
function describe({ pid, uptimeSeconds, reloads, oldWorkers, proxies }) {
  const sentences = [`Process ${pid}, up ${duration(uptimeSeconds)}, ${counted(reloads, 'reload')}.`]
  if (oldWorkers.length > 0) {
    const connections = oldWorkers.reduce((sum, worker) => sum + (worker.connections ?? 0), 0)
    sentences.push(`${counted(oldWorkers.length, 'old worker')} with ${counted(connections, 'connection')} left.`)
  }
  if (proxies.length > MAX_PROXIES) sentences.push(`The first ${MAX_PROXIES} of ${grouped(proxies.length)} proxies:`)
  return sentences.join(' ')
}

/**
 * HAProxy's own words: "UP", "UP 1/3", "DOWN 1/2", "MAINT", "DRAIN", "NOLB", "no check", "OPEN", "STOP" …
 *
 * @param {string} status
 * @returns {Level}
 */
export function levelOf(status) {
  if (/^(UP|OPEN|no check)/.test(status)) return 'ok'
  if (/^(DOWN|STOP)/.test(status)) return 'bad'
  return 'idle'
}

/** @param {{ name: string }} named */
const nameOf = ({ name }) => name

/**
 * A `listen` section has both sides, and servers.
 *
 * @param {Proxy} proxy
 */
const isFrontend = ({ backend }) => backend === undefined

/** @param {Proxy} proxy */
function createFrontend({ name }) {
  const status = element('span')
  const text = element('span', { class: 'quiet' })
  return {
    node: element('li', {}, element('b', {}, name), ' ', status, ' ', text),
    /** @param {Proxy} proxy */
    update({ frontend }) {
      showStatus(status, frontend)
      setText(text, `frontend, ${describeTraffic(frontend)}`)
    }
  }
}

/** @param {Proxy} proxy */
function createBackend({ name }) {
  /** @type {FoldedTable<Server>} */
  const table = new FoldedTable({ caption: `Servers of ${name}`, noun: 'server', columns, keyOf: nameOf })
  const status = element('span')
  const text = element('span', { class: 'quiet' })
  table.summary.append(element('b', {}, name), ' ', status, ' ', text)
  return {
    node: table.element,
    /** @param {Proxy} proxy */
    update({ backend, servers }) {
      showStatus(status, backend)
      setText(text, `${describeServers(servers)}, ${describeTraffic(backend)}`)
      table.show([...servers].sort(downFirst))
    }
  }
}

/**
 * @param {HTMLElement} node
 * @param {Side | undefined} side
 */
function showStatus(node, side) {
  setMark(node, side?.status ?? 'unknown', levelOf(side?.status ?? ''))
}

/** @param {readonly Server[]} servers */
function describeServers(servers) {
  const down = servers.filter(({ status }) => levelOf(status) === 'bad').length
  const other = servers.filter(({ status }) => levelOf(status) === 'idle').length
  const remarks = [down > 0 && `${grouped(down)} down`, other > 0 && `${grouped(other)} out of use`].filter(Boolean)
  return counted(servers.length, 'server') + (remarks.length > 0 ? ` (${remarks.join(', ')})` : '')
}

/** @param {Side | undefined} side */
function describeTraffic(side) {
  if (side === undefined) return ''
  const open = side.sessions > 0 ? ` (${grouped(side.sessions)} open)` : ''
  return `${counted(side.totalSessions, 'session')}${open}, ${byteCount(side.bytesIn)} in, ${byteCount(side.bytesOut)} out`
}

/**
 * What is wrong must not hide behind the rows that are shown.
 *
 * @param {Server} a
 * @param {Server} b
 */
function downFirst(a, b) {
  return Number(levelOf(b.status) === 'bad') - Number(levelOf(a.status) === 'bad')
}

/** @type {import('./data-table.js').Column<Server>[]} */
const columns = [
  { title: 'Server', fill: (cell, { name }) => setText(cell, name) },
  { title: 'Address', fill: (cell, { address }) => setText(cell, address) },
  { title: 'Status', fill: (cell, { status }) => setMark(cell, status, levelOf(status)) },
  { title: 'Open', kind: 'number', fill: (cell, { sessions }) => setText(cell, grouped(sessions)) },
  { title: 'Sessions', kind: 'number', fill: (cell, { totalSessions }) => setText(cell, grouped(totalSessions)) },
  { title: 'In', kind: 'number', fill: (cell, { bytesIn }) => setText(cell, byteCount(bytesIn)) },
  { title: 'Out', kind: 'number', fill: (cell, { bytesOut }) => setText(cell, byteCount(bytesOut)) }
]
