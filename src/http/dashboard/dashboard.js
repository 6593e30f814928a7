import { byId } from './element.js'
import { EventStream } from './event-stream.js'
import { Refresher } from './refresher.js'

/**
 * One route that is asked again and again. Its section is there when this process has the route: a slave alone has
 * neither pods nor an HAProxy.
 *
 * @typedef {object} Resource
 * @property {Exclude<keyof Latest, 'ready'>} name of its section, too
 * @property {string} path
 * @property {number} intervalMs when no event says that there is something new
 * @property {readonly string[]} events that say so
 * @property {{ show: (body: never) => void, showAway?: (problem: import('./control-tier.js').Problem) => void }} view
 *
 * @typedef {import('./findings.js').Latest} Latest
 *
 * @typedef {object} Parts
 * @property {import('./server-clock.js').ServerClock} clock
 * @property {import('./control-tier.js').ControlTier} controlTier
 * @property {import('./health-view.js').HealthView} health
 * @property {import('./glance-view.js').GlanceView} glance
 * @property {import('./events-view.js').EventsView} events
 * @property {readonly Resource[]} resources
 */

const READY_EVERY_MS = 5000
const LOST_RETRY_MS = 1000
const TICK_MS = 1000
/** Each answer of "HAProxy is away" is a line in the log of the control tier, which somebody may be reading just now. */
const REFUSED_RETRY_MS = 30_000
/** After these the control tier may be ready where it was not, or the other way round. */
const READY_EVENTS = ['state', 'reconfigured', 'alarm', 'leader']

/** Asks, hands the answers to the views, and knows whether the control tier is there at all. */
export class Dashboard {
  #parts
  /** @type {Latest} */
  #latest = {}
  #connected = true
  /** @type {number | undefined} */
  #heardAt
  /** @type {Set<string>} */
  #refused = new Set()
  #ready
  #refreshers
  #stream

  /** @param {Parts} parts */
  constructor(parts) {
    this.#parts = parts
    this.#ready = new Refresher(
      () => this.#askReady(),
      () => (this.#connected ? READY_EVERY_MS : LOST_RETRY_MS)
    )
    this.#refreshers = parts.resources.map((resource) => ({
      resource,
      refresher: new Refresher(
        () => this.#ask(resource),
        () => (this.#refused.has(resource.name) ? REFUSED_RETRY_MS : resource.intervalMs)
      )
    }))
    this.#stream = new EventStream((signal) => parts.controlTier.stream('api/v1/events', signal), {
      event: (type, data) => this.#happened(type, data),
      changed: (open) => this.#streamChanged(open)
    })
  }

  /** A page that nobody sees asks nothing, and leaves the browser's few connections to those that are seen. */
  start() {
    document.addEventListener('visibilitychange', () => this.#followVisibility())
    setInterval(() => this.#tick(), TICK_MS)
    this.#followVisibility()
  }

  #followVisibility() {
    if (document.hidden) {
      this.#pause()
      this.#ready.pause()
      this.#stream.close()
      this.#parts.events.showListening(false)
    } else {
      this.#resume()
      this.#ready.start()
      this.#stream.open()
    }
  }

  #resume() {
    for (const { refresher } of this.#refreshers) refresher.start()
  }

  #pause() {
    for (const { refresher } of this.#refreshers) refresher.pause()
  }

  #askAll() {
    for (const { refresher } of this.#refreshers) refresher.soon()
  }

  /** Decides alone whether the control tier is there, so that the others cannot contradict it. */
  async #askReady() {
    const { controlTier, clock, health } = this.#parts
    const readiness = await controlTier.readiness().catch(() => undefined)
    if (readiness === undefined) {
      this.#connected = false
      this.#pause()
      return health.showLost(this.#heardAt)
    }
    this.#heardAt = clock.now()
    const changed = codesOf(readiness) !== codesOf(this.#latest.ready)
    this.#latest.ready = readiness
    if (!this.#connected) this.#resume()
    else if (changed) this.#askAll()
    this.#connected = true
    this.#show()
  }

  /** @param {Resource} resource */
  async #ask({ name, path, view }) {
    const answer = await this.#parts.controlTier.ask(path).catch(() => undefined)
    if (answer === undefined) return this.#ready.soon()
    byId(name).hidden = 'absent' in answer
    // What each route answers is described in docs/http-api.md.
    const body = 'body' in answer ? /** @type {never} */ (answer.body) : undefined
    this.#latest = { ...this.#latest, [name]: body }
    if (body !== undefined) view.show(body)
    if ('problem' in answer) {
      view.showAway?.(answer.problem)
      this.#refused.add(name)
    } else this.#refused.delete(name)
    if (this.#connected) this.#show()
  }

  #show() {
    // Until it has answered once there is nothing to judge.
    if (this.#latest.ready !== undefined) this.#parts.health.show(this.#latest)
    this.#parts.glance.show(this.#latest)
    this.#tick()
  }

  /**
   * @param {string} type
   * @param {unknown} data
   */
  #happened(type, data) {
    this.#parts.events.add(type, data)
    for (const { resource, refresher } of this.#refreshers) if (resource.events.includes(type)) refresher.soon()
    if (READY_EVENTS.includes(type)) this.#ready.soon()
  }

  /**
   * What happened while nobody listened has to be asked for.
   *
   * @param {boolean} open
   */
  #streamChanged(open) {
    this.#parts.events.showListening(open)
    this.#ready.soon()
    if (open) this.#askAll()
  }

  #tick() {
    if (document.hidden) return
    this.#parts.clock.tick()
    this.#parts.health.showHeard(this.#heardAt, this.#connected)
  }
}

/** @param {import('./control-tier.js').Readiness | undefined} readiness */
function codesOf(readiness) {
  return readiness?.problems.map(({ code }) => code).join()
}
