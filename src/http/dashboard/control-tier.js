/**
 * What GET says: a body, or a reason why there is none, or that this process has no such route.
 *
 * @typedef {{ code: string, message: string, hint?: string }} Problem
 * @typedef {{ problems: Problem[] }} Readiness
 * @typedef {{ body: unknown } | { problem: Problem } | { absent: true }} Answer
 */

/** A network that swallows packets is noticed after this, not after minutes. */
const TIMEOUT_MS = 10_000

/** The control tier that served this page: the same origin, whatever path a proxy puts before it. */
export class ControlTier {
  #clock
  #token

  /**
   * @param {import('./server-clock.js').ServerClock} clock
   * @param {import('./reader-token.js').ReaderToken} token
   */
  constructor(clock, token) {
    this.#clock = clock
    this.#token = token
  }

  /**
   * A proxy in between has JSON of its own for when the control tier is away: it must not pass for an answer.
   *
   * @returns {Promise<Readiness>} rejects when the control tier does not answer
   */
  async readiness() {
    const body = await jsonOf(await this.#fetch('readyz'))
    if (!isReadiness(body)) throw new Error('readyz is not answered by a control tier')
    return body
  }

  /**
   * @param {string} path relative to the page
   * @returns {Promise<Answer>} rejects when nothing answers
   */
  async ask(path) {
    const response = await this.#fetch(path)
    const body = await jsonOf(response)
    if (response.ok) return { body }
    const problem = /** @type {Problem} */ (body)
    return problem.code === 'KTL_NOT_FOUND' ? { absent: true } : { problem }
  }

  /**
   * @param {string} path
   * @returns {Promise<string>} the text, or why there is none
   */
  async text(path) {
    const response = await this.#fetch(path)
    if (response.ok) return await response.text()
    return /** @type {Problem} */ (await jsonOf(response)).message
  }

  /**
   * @param {string} path
   * @param {AbortSignal} signal
   * @returns {Promise<Response>} whose body goes on for as long as it is read
   */
  async stream(path, signal) {
    return await this.#send(path, signal)
  }

  /** @param {string} path */
  async #fetch(path) {
    return await this.#send(path, AbortSignal.timeout(TIMEOUT_MS))
  }

  /**
   * @param {string} path
   * @param {AbortSignal} signal
   */
  async #send(path, signal) {
    const response = await fetch(path, { cache: 'no-store', signal, headers: this.#token.headers() })
    this.#token.heard(response.status)
    this.#clock.heard(response.headers.get('date'))
    return response
  }
}

/**
 * @param {Response} response
 * @returns {Promise<unknown>}
 */
async function jsonOf(response) {
  /** @type {unknown} */
  const body = await response.json()
  return body
}

/**
 * @param {unknown} body
 * @returns {body is Readiness}
 */
function isReadiness(body) {
  return typeof body === 'object' && body !== null && 'problems' in body && Array.isArray(body.problems)
}
