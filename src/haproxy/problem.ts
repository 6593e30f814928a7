import { findKontrolError, messageOf, type ErrorCode } from '../errors.ts'

/** Something that keeps HAProxy from running what it should, as an error body says it. */
export interface Problem {
  code: ErrorCode
  message: string
  hint?: string | undefined
}

export function problemOf(error: unknown): Problem {
  const known = findKontrolError(error)
  if (known === undefined) return { code: 'KTL_UNEXPECTED', message: messageOf(error) }
  const { code, message, hint } = known
  return { code, message, hint }
}
