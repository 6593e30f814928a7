import { DataTable } from './data-table.js'
import { byId, element, setMark, setText } from './element.js'
import { grouped, milliseconds } from './words.js'

/**
 * @typedef {{ id: number, cause: string, startedAt: string, plan: string | null, operations: number,
 *   reasons: string[], phases: Record<string, number>, outcome: string, error: import('./control-tier.js').Problem | null, diff: string }} Round
 */

/** The last rounds, newest first. */
export class RoundsView {
  #table

  /** @param {import('./server-clock.js').ServerClock} clock */
  constructor(clock) {
    this.#table = new DataTable({
      caption: 'The last reconfigurations, newest first',
      noun: 'round',
      columns: columns(clock),
      // Ids begin anew when the control tier does.
      keyOf: (/** @type {Round} */ { id, startedAt }) => `${id} ${startedAt}`
    })
    byId('rounds').append(this.#table.element)
  }

  /** @param {{ reconfigurations: Round[] }} body */
  show({ reconfigurations }) {
    this.#table.show([...reconfigurations].reverse())
  }
}

/**
 * @param {import('./server-clock.js').ServerClock} clock
 * @returns {import('./data-table.js').Column<Round>[]}
 */
function columns(clock) {
  return [
    { title: 'Started', fill: (cell, { startedAt }) => clock.showTime(cell, startedAt) },
    { title: 'Outcome', fill: (cell, { outcome }) => setMark(cell, outcome, levels[outcome] ?? 'idle') },
    { title: 'Cause', kind: 'wide', fill: showCause },
    { title: 'Plan', fill: (cell, { plan }) => setText(cell, plan ?? 'not known') },
    { title: 'Operations', kind: 'number', fill: (cell, { operations }) => setText(cell, grouped(operations)) },
    ...['render', 'configure', 'restart'].map((phase) => phaseColumn(phase))
  ]
}

/** @type {Record<string, import('./element.js').Level>} */
const levels = { applied: 'ok', reloaded: 'ok', unchanged: 'ok', failed: 'bad' }

/**
 * @param {string} phase
 * @returns {import('./data-table.js').Column<Round>}
 */
function phaseColumn(phase) {
  return {
    title: `${phase}, ms`,
    kind: 'number',
    fill(cell, { phases }) {
      const ms = phases[phase]
      setText(cell, ms === undefined ? '–' : milliseconds(ms))
    }
  }
}

/**
 * What happened, what went wrong, and on demand what changed. Drawn once for each outcome, so that what is open
 * stays open.
 *
 * @param {HTMLElement} cell
 * @param {Round} round
 */
function showCause(cell, { cause, outcome, error, reasons, diff }) {
  const drawn = `${outcome} ${cause}`
  if (cell.dataset.drawn === drawn) return
  cell.dataset.drawn = drawn
  cell.replaceChildren(element('div', {}, cause))
  if (error !== null)
    cell.append(element('div', { class: 'error' }, `${error.message} `, element('code', {}, error.code)))
  if (error?.hint !== undefined) cell.append(element('div', { class: 'quiet' }, error.hint))
  if (reasons.length > 0) cell.append(element('div', { class: 'quiet' }, `Reloaded because ${reasons.join(', ')}`))
  if (diff !== '') cell.append(element('details', {}, element('summary', {}, 'What changed'), diffText(diff)))
}

/** @param {string} diff */
function diffText(diff) {
  const lines = diff.split('\n').map((line) => element('span', { class: lineClass(line) }, `${line}\n`))
  return element('pre', {}, ...lines)
}

/** @param {string} line */
function lineClass(line) {
  if (line.startsWith('+')) return 'added'
  return line.startsWith('-') ? 'removed' : ''
}
