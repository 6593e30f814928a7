/**
 * Every error this program raises on purpose.
 *
 * `code` is the contract: it is logged, returned over HTTP, printed by the CLI
 * and documented in docs/errors.md. Messages may be reworded, codes may not.
 *
 * `exitCode` follows sysexits: 1 failed, 64 usage, 75 try again, 78 configuration.
 */
export const catalogue = {
  KTL_CONFIG_INVALID: { statusCode: 500, exitCode: 78, retryable: false },
  KTL_MANIFEST_INVALID: { statusCode: 500, exitCode: 78, retryable: false },
  KTL_DATA_NEWER: { statusCode: 500, exitCode: 78, retryable: false },
  KTL_DATA_UNWRITABLE: { statusCode: 500, exitCode: 78, retryable: false },
  KTL_STARTING: { statusCode: 503, exitCode: 75, retryable: true },
  KTL_SHUT_DOWN: { statusCode: 503, exitCode: 75, retryable: false },
  KTL_PORT_TAKEN: { statusCode: 500, exitCode: 75, retryable: true },
  KTL_USAGE: { statusCode: 400, exitCode: 64, retryable: false },

  KTL_REQUEST_INVALID: { statusCode: 400, exitCode: 1, retryable: false },
  KTL_BODY_TOO_LARGE: { statusCode: 413, exitCode: 1, retryable: false },
  KTL_HEADERS_TOO_LARGE: { statusCode: 431, exitCode: 1, retryable: false },
  KTL_REQUEST_TIMEOUT: { statusCode: 408, exitCode: 1, retryable: false },
  KTL_EXPECTATION_FAILED: { statusCode: 417, exitCode: 1, retryable: false },
  KTL_NOT_FOUND: { statusCode: 404, exitCode: 1, retryable: false },
  KTL_METHOD_NOT_ALLOWED: { statusCode: 405, exitCode: 1, retryable: false },
  KTL_UNAUTHORIZED: { statusCode: 401, exitCode: 1, retryable: false },
  KTL_FORBIDDEN: { statusCode: 403, exitCode: 1, retryable: false },
  KTL_ZMTP_INVALID: { statusCode: 400, exitCode: 1, retryable: false },
  KTL_SCRIPT_TIMEOUT: { statusCode: 500, exitCode: 75, retryable: true },
  KTL_NOT_A_MASTER: { statusCode: 409, exitCode: 1, retryable: false },
  KTL_KEEPALIVE_INVALID: { statusCode: 400, exitCode: 1, retryable: false },
  KTL_POD_FAULTY: { statusCode: 422, exitCode: 1, retryable: false },
  KTL_POD_IS_PROXY: { statusCode: 422, exitCode: 1, retryable: false },
  KTL_REGISTRY_FILLING: { statusCode: 503, exitCode: 75, retryable: true },
  KTL_LIMIT_NEAR: { statusCode: 503, exitCode: 75, retryable: true },
  KTL_REGISTRY_FULL: { statusCode: 503, exitCode: 75, retryable: true },
  KTL_SERVER_NOT_FOUND: { statusCode: 404, exitCode: 1, retryable: false },
  KTL_POD_NOT_FOUND: { statusCode: 404, exitCode: 1, retryable: false },
  KTL_NOT_LEADING: { statusCode: 503, exitCode: 75, retryable: true },
  KTL_STORE_DAMAGED: { statusCode: 503, exitCode: 75, retryable: true },
  KTL_STORE_UNAVAILABLE: { statusCode: 503, exitCode: 75, retryable: true },
  KTL_MASTER_SPEAKS_ZERORPC: { statusCode: 502, exitCode: 1, retryable: false },
  KTL_MASTER_UNREACHABLE: { statusCode: 502, exitCode: 75, retryable: true },

  KTL_TRANSITION_REFUSED: { statusCode: 409, exitCode: 1, retryable: false },
  KTL_QUEUE_FULL: { statusCode: 503, exitCode: 75, retryable: true },
  KTL_STEP_FAILED: { statusCode: 500, exitCode: 1, retryable: false },
  KTL_AUTOMATON_UNREACHABLE: { statusCode: 502, exitCode: 75, retryable: true },
  KTL_SOCKET_UNUSABLE: { statusCode: 500, exitCode: 78, retryable: false },

  KTL_TEMPLATE_MISSING: { statusCode: 409, exitCode: 78, retryable: false },
  KTL_TEMPLATE_INVALID: { statusCode: 422, exitCode: 1, retryable: false },
  KTL_POD_TEXT_REFUSED: { statusCode: 422, exitCode: 1, retryable: false },
  KTL_TEMPLATE_LIMIT: { statusCode: 422, exitCode: 1, retryable: false },

  KTL_HAPROXY_MISSING: { statusCode: 500, exitCode: 78, retryable: true },
  KTL_HAPROXY_CONFIG_REJECTED: { statusCode: 422, exitCode: 1, retryable: false },
  KTL_HAPROXY_NO_LISTENER: { statusCode: 422, exitCode: 1, retryable: false },
  KTL_HAPROXY_UNREACHABLE: { statusCode: 502, exitCode: 75, retryable: true },
  KTL_HAPROXY_SURPRISE: { statusCode: 502, exitCode: 75, retryable: true },
  KTL_HAPROXY_BACKEND_DOWN: { statusCode: 503, exitCode: 75, retryable: true },
  KTL_HAPROXY_CERTIFICATE: { statusCode: 502, exitCode: 1, retryable: false },
  KTL_HAPROXY_RELOAD_FAILED: { statusCode: 502, exitCode: 75, retryable: true },

  KTL_CHECK_FAILED: { statusCode: 502, exitCode: 75, retryable: true },
  KTL_REQUEST_REFUSED: { statusCode: 502, exitCode: 1, retryable: false },
  KTL_DNS_ANNOTATION_INVALID: { statusCode: 500, exitCode: 78, retryable: false },
  KTL_DNS_NO_CREDENTIALS: { statusCode: 502, exitCode: 78, retryable: false },
  KTL_DNS_DENIED: { statusCode: 502, exitCode: 78, retryable: false },
  KTL_DNS_NO_ZONE: { statusCode: 502, exitCode: 78, retryable: false },
  KTL_DNS_ZONE_AMBIGUOUS: { statusCode: 409, exitCode: 78, retryable: false },
  KTL_DNS_CONFLICT: { statusCode: 409, exitCode: 1, retryable: false },
  KTL_DNS_REFUSED: { statusCode: 502, exitCode: 1, retryable: false },
  KTL_DNS_RACE: { statusCode: 409, exitCode: 75, retryable: true },
  KTL_DNS_UNAVAILABLE: { statusCode: 503, exitCode: 75, retryable: true },
  KTL_KUBERNETES_FORBIDDEN: { statusCode: 502, exitCode: 78, retryable: false },
  KTL_KUBERNETES_POD_NOT_FOUND: { statusCode: 502, exitCode: 78, retryable: false },
  KTL_KUBERNETES_UNAUTHORIZED: { statusCode: 502, exitCode: 75, retryable: true },
  KTL_KUBERNETES_UNAVAILABLE: { statusCode: 502, exitCode: 75, retryable: true },
  KTL_METADATA_INVALID: { statusCode: 500, exitCode: 78, retryable: false },

  KTL_SUPERVISOR_UNREACHABLE: { statusCode: 502, exitCode: 75, retryable: true },
  KTL_SUPERVISOR_REFUSED: { statusCode: 502, exitCode: 1, retryable: false },

  KTL_UNEXPECTED: { statusCode: 500, exitCode: 1, retryable: true }
} as const satisfies Record<string, CatalogueRow>

interface CatalogueRow {
  statusCode: number
  exitCode: 1 | 64 | 75 | 78
  /** Whether the loop that met the error tries again by itself. */
  retryable: boolean
}

export type ErrorCode = keyof typeof catalogue

export interface ErrorDetails {
  /** What the reader can do about it, as one imperative sentence. */
  hint?: string
  cause?: unknown
}

export class KontrolError extends Error {
  override readonly name = 'KontrolError'
  readonly code: ErrorCode
  readonly statusCode: number
  readonly exitCode: number
  readonly retryable: boolean
  readonly hint: string | undefined
  readonly #problem: Problem

  constructor(code: ErrorCode, message: string, { hint, cause }: ErrorDetails = {}) {
    super(message, cause === undefined ? undefined : { cause })
    const { statusCode, exitCode, retryable } = catalogue[code]
    this.code = code
    this.statusCode = statusCode
    this.exitCode = exitCode
    this.retryable = retryable
    this.hint = hint
    this.#problem = Object.freeze(hint === undefined ? { code, message } : { code, message, hint })
  }

  /** Always the same object: who shows the problems of two parts that met the same error tells it once. */
  get problem(): Problem {
    return this.#problem
  }
}

/** Walks the `cause` chain: an adapter may have wrapped the error we look for. */
export function findKontrolError(error: unknown, code?: ErrorCode): KontrolError | undefined {
  for (let e: unknown = error; e instanceof Error; e = e.cause) {
    if (e instanceof KontrolError && (code === undefined || e.code === code)) return e
  }
  return undefined
}

/** What is wrong, as logs, error bodies and statuses tell it. */
export interface Problem {
  readonly code: ErrorCode
  readonly message: string
  readonly hint?: string
}

/** The one shape in which an error is told. */
export function problemOf(error: unknown): Problem {
  return findKontrolError(error)?.problem ?? { code: 'KTL_UNEXPECTED', message: messageOf(error) }
}

/** The sentence of any thrown value. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
