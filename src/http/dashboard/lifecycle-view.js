import { DataTable } from './data-table.js'
import { byId, element, setMark, setText } from './element.js'
import { grouped, shortened } from './words.js'

/**
 * @typedef {{ tag: string, input: string, startedAt: string, ms: number, outcome: string }} Step
 * @typedef {{ state: string, since: string, running: boolean, queue: { tag: string }[], history: Step[] }} Lifecycle
 */

const INPUT_CHARACTERS = 120

/** Where the automaton stands, and how it came there. */
export class LifecycleView {
  #clock
  #state = element('b')
  #since = element('span')
  #rest = element('span')
  #table

  /** @param {import('./server-clock.js').ServerClock} clock */
  constructor(clock) {
    this.#clock = clock
    byId('lifecycle-note').append(this.#state, ' since ', this.#since, this.#rest)
    this.#table = new DataTable({
      caption: 'The last steps, newest first',
      noun: 'step',
      columns: columns(clock),
      keyOf: (/** @type {Step} */ { tag, startedAt, ms }) => `${startedAt} ${tag} ${ms}`
    })
    byId('lifecycle').append(this.#table.element)
  }

  /** @param {Lifecycle} lifecycle */
  show({ state, since, running, queue, history }) {
    setMark(this.#state, state, 'idle')
    this.#clock.showTime(this.#since, since)
    const waiting = queue.length > 0 ? `; waiting: ${queue.map(({ tag }) => tag).join(', ')}` : ', nothing waits'
    setText(this.#rest, (running ? ', its step is at work' : '') + shortened(waiting, 200))
    this.#table.show([...history].reverse())
  }
}

/**
 * @param {import('./server-clock.js').ServerClock} clock
 * @returns {import('./data-table.js').Column<Step>[]}
 */
function columns(clock) {
  return [
    { title: 'Started', fill: (cell, { startedAt }) => clock.showTime(cell, startedAt) },
    { title: 'Step', fill: (cell, { tag }) => setText(cell, tag) },
    { title: 'Outcome', fill: (cell, { outcome }) => setMark(cell, outcome, outcome === 'failed' ? 'bad' : 'ok') },
    { title: 'ms', kind: 'number', fill: (cell, { ms }) => setText(cell, grouped(ms)) },
    { title: 'Input', kind: 'wide', fill: (cell, { input }) => setText(cell, shortened(input, INPUT_CHARACTERS)) }
  ]
}
