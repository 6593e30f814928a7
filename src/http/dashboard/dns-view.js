import { DataTable } from './data-table.js'
import { byId, setMark, setText } from './element.js'

/**
 * @typedef {{ name: string, type: string, ttl: number, wanted: string[], found?: string[], changeStatus?: string,
 *   lastError?: import('./control-tier.js').Problem, lastChecked?: number, note?: string }} DnsRecord
 * @typedef {{ enabled: boolean, leader: boolean, dryRun: boolean, note?: string, records: DnsRecord[] }} Dns
 */

/** The records that point at the proxies: wanted, and found. */
export class DnsView {
  #note = byId('dns-note')
  #table

  /** @param {import('./server-clock.js').ServerClock} clock */
  constructor(clock) {
    this.#table = new DataTable({
      caption: 'Records wanted and found',
      noun: 'record',
      columns: columns(clock),
      keyOf: (/** @type {DnsRecord} */ { name, type }) => `${type} ${name}`
    })
    byId('dns').append(this.#table.element)
  }

  /** @param {Dns} dns */
  show(dns) {
    setText(this.#note, describe(dns))
    this.#table.show(dns.records)
  }
}

/** @param {Dns} dns */
function describe({ enabled, leader, dryRun, note }) {
  if (!enabled) return 'Not used: the pod has no annotation haproxy.unity3d.com/route53.'
  const writer = leader ? 'This process is the one that writes' : 'Another process writes'
  const sentences = [`${writer}${dryRun ? ', and this is a dry run' : ''}.`]
  if (note !== undefined) sentences.push(`${note.charAt(0).toUpperCase()}${note.slice(1)}.`)
  return sentences.join(' ')
}

/**
 * @param {import('./server-clock.js').ServerClock} clock
 * @returns {import('./data-table.js').Column<DnsRecord>[]}
 */
function columns(clock) {
  return [
    { title: 'Record', kind: 'wide', fill: (cell, record) => setText(cell, describeRecord(record)) },
    { title: 'State', fill: showState },
    { title: 'Wanted', kind: 'lines', fill: (cell, { wanted }) => setText(cell, listed(wanted)) },
    {
      title: 'Found',
      kind: 'lines',
      fill: (cell, { found }) => setText(cell, found === undefined ? 'not looked at' : listed(found))
    },
    {
      title: 'Looked at',
      fill(cell, { lastChecked }) {
        if (lastChecked !== undefined) clock.showAge(cell, new Date(lastChecked).toISOString())
      }
    }
  ]
}

/** @param {DnsRecord} record */
function describeRecord({ name, type, ttl, lastError, note }) {
  return [`${name} ${type}, TTL ${ttl} s`, lastError?.message, lastError?.hint, note].filter(Boolean).join('. ')
}

/**
 * @param {HTMLElement} cell
 * @param {DnsRecord} record
 */
function showState(cell, { wanted, found, lastError, changeStatus }) {
  if (lastError !== undefined) setMark(cell, 'error', 'bad')
  else if (found === undefined || listed(wanted) !== listed(found)) setMark(cell, 'differs', 'warn')
  else if (changeStatus === 'PENDING') setMark(cell, 'on its way', 'idle')
  else setMark(cell, 'in line', 'ok')
}

/**
 * One a line.
 *
 * @param {readonly string[]} values
 */
function listed(values) {
  return values.length === 0 ? 'nothing' : [...values].sort().join('\n')
}
