import { isFault, supervisordFaults, type SupervisordClient } from '../platform/supervisord-client.ts'

const PROGRAM = 'telegraf'

/**
 * Makes supervisord run telegraf with the configuration that was written last.
 *
 * @throws KontrolError KTL_SUPERVISOR_UNREACHABLE, KTL_SUPERVISOR_REFUSED
 */
export async function startTelegraf(client: SupervisordClient): Promise<void> {
  try {
    await client.start(PROGRAM)
  } catch (error) {
    if (!isFault(error, supervisordFaults.alreadyStarted)) throw error
    // It outlives a restart of the control tier, and reads its configuration again.
    await client.signal(PROGRAM, 'HUP')
  }
}

/** @throws KontrolError KTL_SUPERVISOR_UNREACHABLE, KTL_SUPERVISOR_REFUSED */
export async function stopTelegraf(client: SupervisordClient): Promise<void> {
  try {
    await client.stop(PROGRAM)
  } catch (error) {
    if (!isFault(error, supervisordFaults.notRunning)) throw error
  }
}
