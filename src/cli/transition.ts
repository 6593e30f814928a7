import { catalogue, KontrolError } from '../errors.ts'
import type { CliContext } from './command.ts'
import { ControlTier } from './control-tier.ts'
import { Interrupted } from './end-signal.ts'

/** The longest record TTL that anybody would wait for, and a drain of HAProxy after it. */
const LONGEST_MS = 15 * 60_000

/** How a transition ended: the state at which the automaton rests, and the outcome of the last step that did something. */
export interface Ending {
  state: string
  outcome?: string
  error?: { code: string; message: string; hint?: string }
}

/**
 * Moves the automaton of a control tier. A terminal shows meanwhile in which state it is.
 *
 * @throws KontrolError as ControlTier does
 */
export async function transition(
  url: string | undefined,
  context: CliContext,
  wanted: { state: string; input?: string; wait: boolean }
): Promise<Ending> {
  const quiet = new ControlTier(url, { env: context.env })
  const waitsFor = async (): Promise<string> => {
    const { state } = await quiet.get<{ state: string }>('/api/v1/lifecycle')
    return `${wanted.state}: the automaton is in ${state},`
  }
  const tier = new ControlTier(url, context, { timeoutMs: LONGEST_MS, waitsFor })
  try {
    return JSON.parse(await tier.text('POST', '/api/v1/lifecycle/transitions', wanted)) as Ending
  } catch (error) {
    if (error instanceof Interrupted) context.stderr('Not waited for any more, but it goes on: see "kontrol state".')
    throw error
  }
}

/** A newer control tier may have codes that this command does not know. */
export function failureOf({ code, message, hint }: NonNullable<Ending['error']>): KontrolError {
  const details = hint === undefined ? {} : { hint }
  return Object.hasOwn(catalogue, code)
    ? new KontrolError(code as keyof typeof catalogue, message, details)
    : new KontrolError('KTL_STEP_FAILED', `${code}: ${message}`, details)
}
