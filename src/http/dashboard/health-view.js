import { byId, element, setText } from './element.js'
import { noticesOf } from './findings.js'
import { KeyedList } from './keyed-list.js'
import { clockTime } from './words.js'

/**
 * @typedef {import('./findings.js').Latest} Latest
 * @typedef {import('./control-tier.js').Problem} Problem
 * @typedef {{ level: string, sentence: string, findings: Problem[] }} Verdict
 */

/** One sentence on whether all is well, what is wrong with what to do, and whether this page is still told. */
export class HealthView {
  #clock
  #title = document.title
  #section = byId('health')
  #sentence = byId('sentence')
  #connection = byId('connection')
  #findings = new KeyedList(
    byId('findings'),
    (/** @type {Problem} */ { code, message }) => code + message,
    createFinding
  )

  /** @param {import('./server-clock.js').ServerClock} clock */
  constructor(clock) {
    this.#clock = clock
  }

  /** @param {Latest} latest */
  show(latest) {
    const { level, sentence, findings } = judge(latest)
    this.#say(level, sentence)
    this.#findings.show(findings)
    document.body.dataset.connected = 'yes'
  }

  /** @param {number | undefined} heardAt */
  showLost(heardAt) {
    // No age in here: it is read out when it changes.
    this.#say('bad', 'Not connected to the control tier. HAProxy does not need it to go on serving.')
    document.body.dataset.connected = 'no'
    this.showHeard(heardAt, false)
  }

  /**
   * @param {number | undefined} heardAt
   * @param {boolean} connected
   */
  showHeard(heardAt, connected) {
    if (heardAt === undefined) return setText(this.#connection, connected ? '' : 'Never heard of it; trying again.')
    const time = clockTime(heardAt, this.#clock.now())
    const stale = `Not connected, last seen ${time}, ${this.#clock.ago(heardAt)}. What is shown is from then; trying again.`
    setText(this.#connection, connected ? `Connected. Last answer ${time}.` : stale)
  }

  /**
   * @param {string} level
   * @param {string} sentence
   */
  #say(level, sentence) {
    this.#section.dataset.level = level
    setText(this.#sentence, sentence)
    const prefix = level === 'ok' ? '' : `${sentence.split(/[.:,]/, 1)[0]}, `
    document.title = prefix + this.#title
  }
}

/**
 * @param {Latest} latest
 * @returns {Verdict}
 */
function judge(latest) {
  const problems = latest.ready?.problems ?? []
  const notices = noticesOf(latest)
  const findings = [...problems, ...notices.map((notice) => alsoNotice(notice, problems.length > 0))]
  if (problems.length === 0) {
    if (notices.length > 0) return { level: 'warn', sentence: 'Ready, but something is worth a look:', findings }
    return { level: 'ok', sentence: `All is well. ${calm(latest)}`, findings }
  }
  if (problems.every(({ code }) => code === 'KTL_STARTING')) return { level: 'warn', sentence: 'Starting.', findings }
  const count = problems.length === 1 ? 'one thing is' : `${problems.length} things are`
  return { level: 'bad', sentence: `Not ready: ${count} wrong.`, findings }
}

/**
 * @param {Problem} notice
 * @param {boolean} afterProblems which count, and which it does not belong to
 */
function alsoNotice(notice, afterProblems) {
  return afterProblems ? { ...notice, message: `Also worth a look: ${notice.message}` } : notice
}

/** @param {Latest} latest */
function calm({ pods, rounds }) {
  if (rounds !== undefined) return 'HAProxy runs what is wanted.'
  if (pods !== undefined) return 'The registry takes keepalives.'
  return 'This process reports a pod, and keeps neither a registry nor an HAProxy.'
}

/** @param {Problem} problem */
function createFinding({ code, message, hint }) {
  const node = element('li', {}, element('p', {}, message))
  if (hint !== undefined) node.append(element('p', {}, element('b', {}, 'What to do: '), hint))
  if (code.startsWith('KTL_')) node.append(element('p', { class: 'quiet' }, element('code', {}, code)))
  return { node, update() {} }
}
