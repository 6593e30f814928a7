import type { Caller } from '../access/caller.ts'
import { findKontrolError, KontrolError } from '../errors.ts'
import { parseJson } from '../model/json/json.ts'
import type { ZerorpcHandlers } from './zerorpc-api.ts'

export interface KontrolHandlerDeps {
  /** Absent when this process is no master. */
  keepalives: { take(body: unknown, caller: Caller): Promise<void> | void } | undefined
  scripts: { run(body: unknown, caller: Caller): Promise<string> }
}

/**
 * Kontrol's two methods over the same parts that serve HTTP. A script runs to
 * its end though its caller has gone: callbacks fire and forget.
 */
export function kontrolHandlers({ keepalives, scripts }: KontrolHandlerDeps): ZerorpcHandlers {
  return {
    async ping(raw, caller) {
      if (keepalives === undefined) {
        throw new KontrolError('KTL_NOT_A_MASTER', 'This process is no master and keeps no registry', {
          hint: 'Set KONTROL_MODE=master,slave here, or point kontrol.unity3d.com/master at a master.'
        })
      }
      await keepalives.take(parsed(raw), caller)
    },

    async invoke(raw, caller) {
      try {
        return await scripts.run(parsed(raw), caller)
      } catch (error) {
        // Kontrol answers nil to both; all else is a refusal that its caller should see.
        if (findKontrolError(error, 'KTL_REQUEST_INVALID') ?? findKontrolError(error, 'KTL_SCRIPT_TIMEOUT')) return null
        throw error
      }
    }
  }
}

function parsed(raw: string): unknown {
  try {
    return parseJson(raw)
  } catch (cause) {
    throw new KontrolError('KTL_REQUEST_INVALID', `The text is no JSON: ${(cause as Error).message}`, { cause })
  }
}
