import { maskConfiguration } from '../../model/masking.ts'
import { secretValues } from '../../platform/process/inherited-environment.ts'
import { textDiff } from './text-changes.ts'

/** What changed between two configurations, as it may be logged, sent and kept. */
export async function shownDiff(before: string | undefined, after: string): Promise<string> {
  return maskConfiguration(await textDiff(before ?? '', after), secretValues(process.env))
}
