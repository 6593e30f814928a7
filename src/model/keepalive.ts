import { Type, type Static } from 'typebox'
import { Compile } from 'typebox/compile'
import { KontrolError } from '../errors.ts'
import { isLiteralIp } from './ip.ts'
import { limits } from './limits.ts'
import { NAME } from './name.ts'

/** A pod's name may be a full DNS name. */
const ID = '^[A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?$'

export const Keepalive = Type.Object({
  app: Type.String({ pattern: NAME }),
  id: Type.String({ pattern: ID }),
  ip: Type.String({ minLength: 2, maxLength: 45, description: 'Literal IPv4 or IPv6 address' }),
  key: Type.String({ pattern: NAME, description: 'Identity of the pod: base62 of its address' }),
  role: Type.String({ pattern: NAME }),
  nonce: Type.Optional(Type.String({ maxLength: 64, description: 'Changes when the slave restarts' })),
  payload: Type.Optional(Type.Unknown({ description: 'JSON, handed as it is to templates and callbacks' })),
  down: Type.Optional(Type.Boolean({ description: 'True in the last keepalive of a pod that leaves' }))
})
export type Keepalive = Static<typeof Keepalive>

const validator = Compile(Keepalive)

/**
 * Checks what a slave sent, whoever carried it here. Unknown fields are
 * dropped, as newer slaves may send more.
 *
 * @throws KontrolError KTL_KEEPALIVE_INVALID naming each field that is wrong
 */
export function parseKeepalive(body: unknown): Keepalive {
  const problems = validator.Check(body) ? problemsBeyondSchema(body) : schemaProblems(body)
  if (problems.length > 0) {
    throw new KontrolError('KTL_KEEPALIVE_INVALID', `Invalid keepalive: ${problems.join('; ')}`, {
      hint: 'Send {"app","id","ip","key","role"} as described in docs/http-api.md.'
    })
  }
  const { app, id, ip, key, role, nonce, payload, down } = body as Keepalive
  return {
    app,
    id,
    ip,
    key,
    role,
    ...(nonce !== undefined && { nonce }),
    ...(payload !== undefined && { payload }),
    ...(down !== undefined && { down })
  }
}

function schemaProblems(body: unknown): string[] {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return ['the body must be a JSON object']
  return [...validator.Errors(body)].map(({ instancePath, message }) => `${instancePath.slice(1) || 'body'} ${message}`)
}

function problemsBeyondSchema({ ip, payload }: Keepalive): string[] {
  const problems: string[] = []
  if (!isLiteralIp(ip)) problems.push('ip must be a literal IPv4 or IPv6 address')
  // First, as writing it out again needs a stack as deep.
  if (isDeeperThan(payload, limits.payloadDepth)) {
    problems.push(`payload must be nested at most ${limits.payloadDepth} deep`)
  } else if (payload !== undefined && Buffer.byteLength(JSON.stringify(payload)) > limits.payloadBytes) {
    problems.push(`payload must be at most ${limits.payloadBytes} bytes of JSON`)
  }
  return problems
}

function isDeeperThan(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  return depth === 0 || Object.values(value).some((member) => isDeeperThan(member, depth - 1))
}
