/** What an answer that is no success says. */
export interface Problem {
  code: string
  message: string
  hint?: string
}

export interface Readiness {
  problems: Problem[]
  /** What does not make it unready, and yet an operator should know. */
  findings: Problem[]
}

/** A body, or a reason why there is none, or that this process has no such route. */
export type Answer = { body: unknown } | { problem: Problem } | { absent: true }

/** A network that swallows packets is noticed after this, not after minutes. */
const TIMEOUT_MS = 10_000
const TOKEN = 'kontrol-token'

/** The control tier that served this page: the same origin, whatever path a proxy puts before it. */
export class ControlTier {
  #aheadMs = 0
  #onRefused: (again: boolean) => void = () => {}

  /** @param listener told that a token is asked for, and whether the one that was shown does not do */
  onRefused(listener: (again: boolean) => void): void {
    this.#onRefused = listener
  }

  /** The token is kept for this tab only. */
  useToken(token: string): void {
    sessionStorage.setItem(TOKEN, token.trim())
  }

  /** The control tier's time, in milliseconds. An operator's clock may be wrong, and then every age would be. */
  now(): number {
    return Date.now() + this.#aheadMs
  }

  /**
   * A proxy in between has JSON of its own for when the control tier is away: it must not pass for an answer.
   *
   * @returns rejects when the control tier does not answer
   */
  async readiness(): Promise<Readiness> {
    const body = await jsonOf(await this.#send('readyz', { signal: AbortSignal.timeout(TIMEOUT_MS) }))
    if (!isReadiness(body)) throw new Error('readyz is not answered by a control tier')
    return body
  }

  /**
   * @param path relative to the page
   * @returns rejects when nothing answers
   */
  async ask(path: string): Promise<Answer> {
    const response = await this.#send(path, { signal: AbortSignal.timeout(TIMEOUT_MS) })
    const body = await jsonOf(response)
    if (response.ok) return { body }
    const problem = body as Problem
    return problem.code === 'KTL_NOT_FOUND' ? { absent: true } : { problem }
  }

  /** The text, or why there is none. */
  async text(path: string): Promise<string> {
    const response = await this.#send(path, { signal: AbortSignal.timeout(TIMEOUT_MS) })
    if (response.ok) return await response.text()
    return ((await jsonOf(response)) as Problem).message
  }

  /** Asks for a change; undefined when it was made, else why it was not. Takes as long as the change does. */
  async change(method: 'POST' | 'DELETE', path: string, body?: unknown): Promise<Problem | undefined> {
    const response = await this.#send(path, {
      method,
      ...(body !== undefined && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } })
    })
    const answer = response.status === 204 ? undefined : await jsonOf(response)
    if (!response.ok) return answer as Problem
    const { outcome, error } = (answer ?? {}) as { outcome?: string; error?: Problem }
    return outcome === 'failed' ? (error ?? { code: '', message: 'It failed: see the reconfigurations.' }) : undefined
  }

  /** A response whose body goes on for as long as it is read. */
  async stream(path: string, signal: AbortSignal, headers: Record<string, string>): Promise<Response> {
    return await this.#send(path, { signal, headers })
  }

  async #send(path: string, init: RequestInit): Promise<Response> {
    const token = sessionStorage.getItem(TOKEN) ?? ''
    const headers = { ...(init.headers as Record<string, string>), ...(token && { authorization: `Bearer ${token}` }) }
    const response = await fetch(path, { cache: 'no-store', ...init, headers })
    if (response.status === 401 || response.status === 403) this.#onRefused(token !== '')
    this.#follow(response.headers.get('date'))
    return response
  }

  /** @param date of an answer; its resolution is a second */
  #follow(date: string | null): void {
    const ahead = Date.parse(date ?? '') - Date.now()
    // Less is the way there and the rounding.
    if (!Number.isNaN(ahead)) this.#aheadMs = Math.abs(ahead) < 2000 ? 0 : ahead
  }
}

async function jsonOf(response: Response): Promise<unknown> {
  return await response.json()
}

function isReadiness(body: unknown): body is Readiness {
  return typeof body === 'object' && body !== null && 'problems' in body && Array.isArray(body.problems)
}
