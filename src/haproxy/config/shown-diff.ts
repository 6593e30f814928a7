import { maskConfiguration } from '../../model/masking.ts'
import { secretValues } from '../../platform/inherited-environment.ts'
import { textDiff } from './text-changes.ts'

/** What changed between two configurations, as it may be logged, sent and kept. */
export function shownDiff(before: string | undefined, after: string): string {
  return maskConfiguration(textDiff(before ?? '', after), secretValues(process.env))
}
