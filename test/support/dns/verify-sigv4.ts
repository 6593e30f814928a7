import { createHash, createHmac } from 'node:crypto'
import type { IncomingMessage } from 'node:http'

export interface SigV4Key {
  accessKeyId: string
  secretAccessKey: string
}

const AUTHORIZATION =
  /^AWS4-HMAC-SHA256 Credential=(?<id>[A-Z0-9]+)\/(?<scope>(?<date>\d{8})\/(?<region>[a-z0-9-]+)\/(?<service>[a-z0-9]+)\/aws4_request), SignedHeaders=(?<headers>[a-z0-9;-]+), Signature=(?<signature>[0-9a-f]{64})$/

const MAX_SKEW_MS = 15 * 60_000

export interface SignatureProblem {
  code: string
  message: string
}

/** Checks the signature as AWS does: computes it anew. Undefined when all is well. */
export function verifySigV4(request: IncomingMessage, body: string, key: SigV4Key): SignatureProblem | undefined {
  const { authorization } = request.headers
  if (authorization === undefined)
    return { code: 'MissingAuthenticationToken', message: 'Missing Authentication Token' }
  const parts = AUTHORIZATION.exec(authorization)?.groups
  if (parts === undefined) return { code: 'IncompleteSignature', message: 'Authorization header is not well-formed' }
  if (parts.id !== key.accessKeyId) {
    return { code: 'InvalidClientTokenId', message: 'The security token included in the request is invalid.' }
  }
  const date = headerOf(request, 'x-amz-date')
  if (Math.abs(Date.now() - parseAmzDate(date)) > MAX_SKEW_MS) {
    return { code: 'SignatureDoesNotMatch', message: `Signature expired: ${date} is now earlier than allowed` }
  }
  return isRightlySigned(request, body, key, parts, date) ? undefined : WRONG
}

const WRONG: SignatureProblem = {
  code: 'SignatureDoesNotMatch',
  message: 'The request signature we calculated does not match the signature you provided.'
}

function isRightlySigned(
  request: IncomingMessage,
  body: string,
  key: SigV4Key,
  { scope = '', headers = '', service, signature }: Record<string, string>,
  date: string
): boolean {
  const toSign = ['AWS4-HMAC-SHA256', date, scope, sha256(canonicalRequest(request, body, headers))].join('\n')
  return service === 'route53' && headers.split(';').includes('host') && sign(key, scope, toSign) === signature
}

function canonicalRequest(request: IncomingMessage, body: string, signedHeaders: string): string {
  const url = new URL(request.url ?? '/', 'http://localhost')
  const query = [...url.searchParams].map(([name, value]) => `${encode(name)}=${encode(value)}`).sort()
  const headers = signedHeaders.split(';').map((name) => `${name}:${headerOf(request, name).trim()}\n`)
  const path = url.pathname.split('/').map(encode).join('/')
  return [request.method, path, query.join('&'), headers.join(''), signedHeaders, sha256(body)].join('\n')
}

function sign({ secretAccessKey }: SigV4Key, scope: string, toSign: string): string {
  let secret: string | Buffer = `AWS4${secretAccessKey}`
  for (const part of scope.split('/')) secret = createHmac('sha256', secret).update(part).digest()
  return createHmac('sha256', secret).update(toSign).digest('hex')
}

const parseAmzDate = (date: string): number =>
  Date.parse(date.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'))

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')

const encode = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)

const headerOf = (request: IncomingMessage, name: string): string => [request.headers[name] ?? ''].flat().join(',')
