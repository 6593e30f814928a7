import { Type, type Static } from 'typebox'
import { Compile } from 'typebox/compile'
import { isLiteralIp } from './ip.ts'
import { ID } from './name.ts'

/** Codes of problems that a master tells: one that has more has enough to look at. */
const MOST_PROBLEMS = 20

const MasterWord = Type.Object({
  id: Type.String({ pattern: ID }),
  ip: Type.String({ minLength: 2, maxLength: 45 }),
  version: Type.String({ maxLength: 64 }),
  config: Type.Union([Type.Null(), Type.String({ pattern: '^[0-9a-f]{64}$' })]),
  problems: Type.Array(Type.String({ pattern: '^KTL_[A-Z0-9_]{1,60}$' }), { maxItems: MOST_PROBLEMS })
})

/**
 * What a master says of itself to the others of its app. `config` is the SHA-256, in hex, of the text that its HAProxy
 * runs, and null while that is not known; `problems` are the codes of what GET /readyz tells there.
 */
export type MasterWord = Static<typeof MasterWord>

/** A master of the same app, as another one knows it. */
export interface OtherMaster extends MasterWord {
  leading: boolean
  /** When it said so last, by the clock of this machine: milliseconds since the epoch. */
  heardAt: number
}

const validator = Compile(MasterWord)

/** @returns undefined for what is none: a version to come wrote it, or somebody else */
export function parseMasterWord(value: unknown): MasterWord | undefined {
  if (!validator.Check(value) || !isLiteralIp(value.ip)) return undefined
  const { id, ip, version, config, problems } = value
  return { id, ip, version, config, problems }
}

/** Of the problems of a master what it tells: each code once. */
export const toldProblems = (codes: readonly string[]): string[] => [...new Set(codes)].slice(0, MOST_PROBLEMS)
