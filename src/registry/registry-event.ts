import type { Pod } from '../model/pod.ts'
import type { ChangedField } from './entry.ts'

/** Why a pod left: it said so, it was silent for too long, or an operator (or another master) took it out. */
export type DownReason = 'down' | 'expired' | 'forgotten'

/** One thing that happened to the membership. All but `leader` make a new snapshot or show in `pods()`. */
export type RegistryEvent =
  | { type: 'pod-up'; pod: Pod; reason: 'new' }
  | { type: 'pod-down'; pod: Pod; reason: DownReason }
  | { type: 'pod-changed'; pod: Pod; fields: readonly ChangedField[] }
  | { type: 'pods-held'; app: string; pods: readonly Pod[]; reason: 'panic' }
  | { type: 'pods-released'; app: string; pods: readonly Pod[]; reason: 'returned' }
  | { type: 'leader'; leading: boolean }
