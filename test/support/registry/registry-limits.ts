import type { RegistryLimits } from '../../../src/registry/tally.ts'

/** The defaults of the program. */
export const registryLimits: RegistryLimits = {
  pods: 200_000,
  podsPerApp: 100_000,
  podsPerPeer: 50_000,
  payloadBytes: 64 * 1024 * 1024
}
