import { Client } from 'undici'

/** Asks for `/probe` without a pause, and knows when the answers changed. */
export interface Probing extends AsyncDisposable {
  /** `performance.now()` at which the first request with this status was answered, of those that begin from now on. */
  next(statusCode: number, timeoutMs?: number): Promise<number>
}

export function startProbing(origin: string): Probing {
  const client = new Client(origin, { pipelining: 1 })
  return {
    async next(wanted, timeoutMs = 60_000) {
      const deadline = performance.now() + timeoutMs
      while (performance.now() < deadline) {
        const { statusCode, body } = await client.request({ path: '/probe', method: 'GET' })
        await body.dump()
        if (statusCode === wanted) return performance.now()
      }
      throw new Error(`no ${wanted} within ${timeoutMs} ms`)
    },
    [Symbol.asyncDispose]: async () => await client.close()
  }
}
