import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { toKontrolJson } from '../model/json/kontrol.ts'
import type { Pod } from '../model/pod.ts'
import type { Snapshot } from '../model/snapshot.ts'
import { variableIfItFits } from '../platform/process/script-input.ts'
import { nextTurn } from '../platform/turns.ts'

export interface CallbackInput {
  snapshot: Snapshot
  state: string | undefined
  env: NodeJS.ProcessEnv
  folder: string
}

/** Pods turned into text before the event loop gets its turn. */
const SLICE = 500

/**
 * Writes PODS_FILE and STATE_FILE, and returns the environment that names
 * them. PODS and STATE are in it as well while they fit, STATE only when there
 * is one, as in Kontrol.
 */
export async function prepareCallbackInput(input: CallbackInput): Promise<NodeJS.ProcessEnv> {
  const { snapshot, state, env, folder } = input
  const pods = await podsAsJson(snapshot.pods)
  const files = { PODS_FILE: join(ownFolder(folder), 'pods.json'), STATE_FILE: join(ownFolder(folder), 'state.json') }
  await removeCallbackInput(folder)
  // Payloads may hold what only this user should read.
  await mkdir(ownFolder(folder), { recursive: true, mode: 0o700 })
  await writeFile(files.PODS_FILE, pods, { mode: 0o600 })
  await writeFile(files.STATE_FILE, state ?? '', { mode: 0o600 })
  return {
    ...env,
    // The documentation of Kontrol says HASH, its code MD5.
    MD5: snapshot.digest,
    HASH: snapshot.digest,
    ...files,
    PODS: variableIfItFits('PODS', pods),
    STATE: variableIfItFits('STATE', state)
  }
}

export async function removeCallbackInput(folder: string): Promise<void> {
  await rm(ownFolder(folder), { recursive: true, force: true })
}

const ownFolder = (folder: string): string => join(folder, 'callback')

async function podsAsJson(pods: readonly Pod[]): Promise<string> {
  const texts: string[] = []
  for (const [index, { app, id, ip, key, role, seq, nonce, payload }] of pods.entries()) {
    texts.push(toKontrolJson({ app, id, ip, key, role, seq, nonce, payload }))
    if (index % SLICE === SLICE - 1) await nextTurn()
  }
  return `[${texts.join(', ')}]`
}
