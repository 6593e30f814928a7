import { Type, type Static } from 'typebox'
import { Compile } from 'typebox/compile'
import { KontrolError } from '../errors.ts'
import { JsonNumber, JsonObject, stringifyJson } from './json/json.ts'
import { problemOfHost } from './host-address.ts'
import { isLiteralIp } from './ip.ts'
import { limits } from './limits.ts'
import { ID, NAME } from './name.ts'

export const Keepalive = Type.Object({
  app: Type.String({ pattern: NAME }),
  id: Type.String({ pattern: ID }),
  ip: Type.String({ minLength: 2, maxLength: 45, description: 'Literal IPv4 or IPv6 address' }),
  key: Type.String({ pattern: NAME, description: 'Identity of the pod: base62 of its address' }),
  role: Type.Union([Type.Literal(''), Type.String({ pattern: NAME })]),
  nonce: Type.Optional(Type.String({ maxLength: 64, description: 'Changes when the slave restarts' })),
  payload: Type.Optional(Type.Unknown({ description: 'JSON, handed as it is to templates and callbacks' })),
  down: Type.Optional(Type.Boolean({ description: 'True in the last keepalive of a pod that leaves' }))
})
export type Keepalive = Static<typeof Keepalive>

const validator = Compile(Keepalive)

/**
 * Checks what a slave sent, whoever carried it here. Unknown fields are
 * dropped, as newer slaves may send more. A payload that cannot be kept is
 * left out, and `onBadPayload` told why: the pod is alive all the same.
 *
 * @throws KontrolError KTL_KEEPALIVE_INVALID naming each field that is wrong
 */
export function parseKeepalive(given: unknown, onBadPayload?: (problem: string) => void): Keepalive {
  const body = withTextAsId(given)
  const problems = validator.Check(body) ? problemsBeyondSchema(body) : schemaProblems(body)
  if (problems.length > 0) {
    throw new KontrolError('KTL_KEEPALIVE_INVALID', `Invalid keepalive: ${problems.join('; ')}`, {
      hint: 'Send {"app","id","ip","key","role"} as described in docs/http-api.md.'
    })
  }
  const { app, id, ip, key, role, nonce, payload, down } = body as Keepalive
  const problem = problemOfPayload(payload)
  const keepalive = {
    app,
    id,
    ip,
    key,
    role,
    ...(nonce !== undefined && { nonce }),
    ...(payload !== undefined && problem === undefined && { payload }),
    ...(down !== undefined && { down })
  }
  if (problem !== undefined) onBadPayload?.(problem)
  return keepalive
}

/** Kontrol's slaves send a pod's name as a number when it looks like one. */
function withTextAsId(body: unknown): unknown {
  if (typeof body !== 'object' || body === null || !('id' in body)) return body
  const { id } = body
  if (typeof id !== 'number' && !(id instanceof JsonNumber)) return body
  return { ...body, id: id instanceof JsonNumber ? id.text : String(id) }
}

function schemaProblems(body: unknown): string[] {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return ['the body must be a JSON object']
  return [...validator.Errors(body)].map(({ instancePath, message }) => `${instancePath.slice(1) || 'body'} ${message}`)
}

function problemsBeyondSchema({ ip }: Keepalive): string[] {
  if (!isLiteralIp(ip)) return ['ip must be a literal IPv4 or IPv6 address']
  const problem = problemOfHost(ip)
  return problem === undefined ? [] : [`ip must be the address of a host, and ${ip} is ${problem}`]
}

/** Python's json refuses an int of more digits, and with it every pod that a callback reads. */
const MAX_INT_DIGITS = 4_300

function problemOfPayload(payload: unknown): string | undefined {
  if (payload === undefined || payload === '') return undefined
  // First, as writing it out again needs a stack as deep.
  if (isDeeperThan(payload, limits.payloadDepth)) return `payload must be nested at most ${limits.payloadDepth} deep`
  const text = stringifyJson(payload)
  if (Buffer.byteLength(text) > limits.payloadBytes)
    return `payload must be at most ${limits.payloadBytes} bytes of JSON`
  const mayHoldLongInt = text.length > MAX_INT_DIGITS
  return mayHoldLongInt && hasLongInt(payload)
    ? `payload must hold no whole number of more than ${MAX_INT_DIGITS} digits`
    : undefined
}

function isDeeperThan(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null || value instanceof JsonNumber) return false
  return depth === 0 || valuesOf(value).some((member) => isDeeperThan(member, depth - 1))
}

function hasLongInt(value: unknown): boolean {
  if (value instanceof JsonNumber) return value.isInt && value.text.length > MAX_INT_DIGITS
  return typeof value === 'object' && value !== null && valuesOf(value).some(hasLongInt)
}

const valuesOf = (value: object): unknown[] =>
  value instanceof JsonObject ? [...value.values()] : Object.values(value)
