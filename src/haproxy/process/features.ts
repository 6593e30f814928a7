import type { HaproxyVersion } from './version.ts'

/** All that differs between the versions of HAProxy that we drive. */
export interface HaproxyFeatures {
  /** `del server` is safe: before 3.0 (and in what Debian 12 ships) it may crash HAProxy. */
  deletesServers: boolean
}

export function featuresOf({ major }: HaproxyVersion): HaproxyFeatures {
  return { deletesServers: major >= 3 }
}
