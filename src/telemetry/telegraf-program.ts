import { setTimeout as sleep } from 'node:timers/promises'
import { isFault, supervisordFaults, type SupervisordClient } from '../platform/supervisord-client.ts'

const PROGRAM = 'telegraf'
const LOOK_MS = 50
/** supervisord kills it 10 s after it was told to end. */
const END_TIMEOUT_MS = 12_000

/**
 * Makes supervisord run telegraf with the configuration that was written last.
 *
 * @throws KontrolError KTL_SUPERVISOR_UNREACHABLE, KTL_SUPERVISOR_REFUSED
 */
export async function startTelegraf(client: SupervisordClient): Promise<void> {
  await untilEnded(client)
  try {
    await client.start(PROGRAM)
  } catch (error) {
    if (!isFault(error, supervisordFaults.alreadyStarted)) throw error
    // It outlives a restart of the control tier, and reads its configuration again.
    await client.signal(PROGRAM, 'HUP')
  }
}

/** supervisord says yes to a start while it still ends the former one, and does nothing. */
async function untilEnded(client: SupervisordClient): Promise<void> {
  const deadline = performance.now() + END_TIMEOUT_MS
  while ((await client.info(PROGRAM)).state === 'STOPPING' && performance.now() < deadline) await sleep(LOOK_MS)
}

/**
 * Has supervisord run no telegraf, which is so already where it knows of none.
 *
 * @throws KontrolError KTL_SUPERVISOR_UNREACHABLE, KTL_SUPERVISOR_REFUSED
 */
export async function stopTelegraf(client: SupervisordClient): Promise<void> {
  try {
    await client.stop(PROGRAM)
  } catch (error) {
    const { notRunning, badName } = supervisordFaults
    if (!isFault(error, notRunning) && !isFault(error, badName)) throw error
  }
}
