/** Bytes of a request body, bytes and nesting of a payload, and how many pods one master keeps. */
export const limits = { bodyBytes: 64 * 1024, payloadBytes: 32 * 1024, payloadDepth: 32, pods: 200_000 } as const

/** How much of a limit is used, to be told before it is reached. */
export interface LimitUse {
  readonly limit: string
  readonly used: number
  readonly max: number
  /** Who uses so much, where each has a limit of its own. */
  readonly of?: string
}
