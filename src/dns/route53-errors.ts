import { KontrolError, findKontrolError, messageOf, type ErrorCode } from '../errors.ts'

const THROTTLED = new Set([
  'Throttling',
  'ThrottlingException',
  'PriorRequestNotComplete',
  'TooManyRequestsException',
  'RequestLimitExceeded'
])

/** How AWS says that it does not know us, or not any more: IAM, STS and the signature check each in their own words. */
const NOT_KNOWN = new Set([
  'ExpiredToken',
  'ExpiredTokenException',
  'IncompleteSignature',
  'InvalidAccessKeyId',
  'InvalidClientTokenId',
  'InvalidIdentityToken',
  'InvalidIdentityTokenException',
  'MissingAuthenticationToken',
  'RequestExpired',
  'SignatureDoesNotMatch',
  'UnrecognizedClientException'
])

const DENIED = new Set(['AccessDenied', 'AccessDeniedException', 'NotAuthorizedException', 'OptInRequired'])

/** It was STS that refused: the role does not trust the pod's service account. */
const SPEAKS_OF_TRUST = /sts:AssumeRole|OpenIDConnect|IdentityToken/
const TRUST_HINT =
  "Check that the role's trust policy names the OIDC provider of the cluster and the service account of the pod."

interface AwsError {
  name: string
  message: string
  $metadata?: { httpStatusCode?: number }
}

/**
 * Sorts what the SDK throws into our codes.
 *
 * @param operation the call as IAM names it, such as ListHostedZones
 */
export function fromAwsError(error: unknown, operation: string): KontrolError {
  const known = findKontrolError(error)
  if (known !== undefined) return known
  const code = codeOf(error)
  const sentence = sentenceOf(error)
  const hint = code === 'KTL_DNS_DENIED' && SPEAKS_OF_TRUST.test(sentence) ? TRUST_HINT : hintOf(code, operation)
  return new KontrolError(code, `${operation}: ${sentence}`, { hint, cause: error })
}

function codeOf(error: unknown): ErrorCode {
  if (!isAwsError(error)) return 'KTL_DNS_UNAVAILABLE'
  const { name } = error
  if (name === 'CredentialsProviderError' || name === 'TokenProviderError') return 'KTL_DNS_NO_CREDENTIALS'
  if (NOT_KNOWN.has(name) || DENIED.has(name)) return 'KTL_DNS_DENIED'
  if (name === 'NoSuchHostedZone') return 'KTL_DNS_NO_ZONE'
  if (THROTTLED.has(name)) return 'KTL_DNS_UNAVAILABLE'
  return codeOfStatus(error)
}

function codeOfStatus(error: AwsError): ErrorCode {
  const status = error.$metadata?.httpStatusCode
  // No answer, or an answer that says "later".
  if (status === undefined || status < 400 || status >= 500 || status === 429) return 'KTL_DNS_UNAVAILABLE'
  if (status === 401 || status === 403) return 'KTL_DNS_DENIED'
  // Somebody changed the record between our look and our change: look again.
  return /Tried to (create|delete) resource record set/.test(sentenceOf(error)) ? 'KTL_DNS_RACE' : 'KTL_DNS_REFUSED'
}

function sentenceOf(error: unknown): string {
  if (!isAwsError(error)) return messageOf(error)
  const { name, message } = error
  const text = message || 'no answer'
  return name === 'Error' ? text : `${name}: ${text}`
}

function hintOf(code: ErrorCode, operation: string): string {
  const hints: Partial<Record<ErrorCode, string>> = {
    KTL_DNS_NO_CREDENTIALS:
      'Give the pod a service account with an IAM role, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.',
    KTL_DNS_DENIED: `Check the pod's credentials and clock, and that its role may route53:${operation} (docs/route53.md has the least policy).`,
    KTL_DNS_NO_ZONE: 'Correct haproxy.unity3d.com/route53-zone, or check which AWS account the credentials belong to.',
    KTL_DNS_UNAVAILABLE:
      'Wait, as it is tried again; when it lasts, check that the pod reaches Route53 and what else uses up the API quota of the account.',
    KTL_DNS_RACE: 'Wait, as it is tried again; when it lasts, find out what else writes this record.'
  }
  return hints[code] ?? 'Read the reason that Route53 gives, and correct the annotation or the record.'
}

const isAwsError = (error: unknown): error is AwsError => error instanceof Error
