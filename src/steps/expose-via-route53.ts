import type { Action } from '../lifecycle/step-runner.ts'

export interface ExposeDeps {
  /** Addresses of the live proxies. */
  addresses: () => readonly string[]
  /** Reads the input that an original master sends: a JSON array of addresses. */
  parse: (input: string) => readonly string[]
  /** Does nothing when no domain is asked for. */
  expose: (addresses: readonly string[], signal: AbortSignal, how: { anew: boolean }) => Promise<unknown>
}

/** Brings the A and AAAA records in line with the live proxies. */
export const exposeViaRoute53Step =
  ({ addresses, parse, expose }: ExposeDeps): Action =>
  async ({ input, signal }) => {
    // A master commands it with addresses at each change of the pods; without them somebody asks.
    const given = typeof input === 'string' && input !== ''
    await expose(given ? parse(input) : addresses(), signal, { anew: !given })
    return 'done'
  }
