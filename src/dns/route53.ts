import type * as Sdk from '@aws-sdk/client-route-53'
import { type ErrorCode, findKontrolError, KontrolError, messageOf } from '../errors.ts'
import { withDeadline } from './deadline.ts'
import { fromRoute53Name } from './records/domain-name.ts'
import type { ChangeStatus, DnsProvider, RecordChange, RecordSet, Zone } from './records/record-set.ts'

export interface Route53Options {
  /** Milliseconds that one call may take in all, the SDK's own attempts included. */
  callTimeoutMs?: number
  /** Milliseconds that one attempt waits for its answer. */
  attemptTimeoutMs?: number
  /** Attempts of the SDK within one call; the caller has its own, slower ones. */
  attempts?: number
}

const CONNECT_TIMEOUT_MS = 3_000
/** Route53 has one endpoint for the world, but the SDK signs for a region. */
const DEFAULT_REGION = 'us-east-1'
const COMMENT = 'kontrol-haproxy: the external addresses of the live proxies'

/**
 * Route53 through the AWS SDK, which is loaded by this call and not before: it
 * takes 15 MB and a tenth of a second that a proxy without the annotation need not pay.
 */
export async function createRoute53Provider(options: Route53Options = {}): Promise<DnsProvider> {
  const sdk = await import('@aws-sdk/client-route-53')
  return new Route53Provider(sdk, await createClient(sdk, options), options.callTimeoutMs ?? 30_000)
}

async function createClient(
  sdk: typeof Sdk,
  { attempts = 3, attemptTimeoutMs = 10_000 }: Route53Options
): Promise<Sdk.Route53Client> {
  const settings = {
    maxAttempts: attempts,
    requestHandler: {
      connectionTimeout: CONNECT_TIMEOUT_MS,
      requestTimeout: attemptTimeoutMs,
      throwOnRequestTimeout: true
    }
  }
  const client = new sdk.Route53Client(settings)
  try {
    await client.config.region()
    return client
  } catch {
    // Neither AWS_REGION nor the profile names one, which is fine for a global service.
    client.destroy()
    return new sdk.Route53Client({ ...settings, region: DEFAULT_REGION })
  }
}

type PageStart = Pick<
  Sdk.ListResourceRecordSetsCommandInput,
  'StartRecordName' | 'StartRecordType' | 'StartRecordIdentifier'
>

class Route53Provider implements DnsProvider {
  readonly #sdk: typeof Sdk
  readonly #client: Sdk.Route53Client
  readonly #timeoutMs: number

  constructor(sdk: typeof Sdk, client: Sdk.Route53Client, timeoutMs: number) {
    this.#sdk = sdk
    this.#client = client
    this.#timeoutMs = timeoutMs
  }

  async listZones(signal: AbortSignal): Promise<Zone[]> {
    const zones: Zone[] = []
    let marker: string | undefined
    do {
      const command = new this.#sdk.ListHostedZonesCommand({ Marker: marker })
      const page = await this.#call('ListHostedZones', signal, (abortSignal) =>
        this.#client.send(command, { abortSignal })
      )
      zones.push(...(page.HostedZones ?? []).map(toZone))
      marker = page.IsTruncated ? page.NextMarker : undefined
    } while (marker !== undefined)
    return zones
  }

  async getZone(id: string, signal: AbortSignal): Promise<Zone> {
    const command = new this.#sdk.GetHostedZoneCommand({ Id: id })
    const { HostedZone } = await this.#call('GetHostedZone', signal, (abortSignal) =>
      this.#client.send(command, { abortSignal })
    )
    if (HostedZone === undefined)
      throw new KontrolError('KTL_DNS_UNAVAILABLE', 'GetHostedZone: the answer holds no zone')
    return toZone(HostedZone)
  }

  async listRecordSets(zoneId: string, name: string, signal: AbortSignal): Promise<RecordSet[]> {
    const sets: RecordSet[] = []
    let start: PageStart | undefined = { StartRecordName: `${name}.` }
    while (start !== undefined) {
      const page: Sdk.ListResourceRecordSetsCommandOutput = await this.#listPage(zoneId, start, signal)
      const found = (page.ResourceRecordSets ?? []).map(toRecordSet)
      sets.push(...found.filter((set) => set.name === name))
      // The list is ordered by name and goes on to the end of the zone: past our name there is nothing to see.
      start = fromRoute53Name(page.NextRecordName ?? '') === name ? nextPage(page) : undefined
    }
    return sets
  }

  #listPage(zoneId: string, start: PageStart, signal: AbortSignal): Promise<Sdk.ListResourceRecordSetsCommandOutput> {
    const command = new this.#sdk.ListResourceRecordSetsCommand({ HostedZoneId: zoneId, ...start })
    return this.#call('ListResourceRecordSets', signal, (abortSignal) => this.#client.send(command, { abortSignal }))
  }

  async change(
    zoneId: string,
    changes: readonly RecordChange[],
    signal: AbortSignal
  ): Promise<{ id: string; status: ChangeStatus }> {
    const command = new this.#sdk.ChangeResourceRecordSetsCommand({
      HostedZoneId: zoneId,
      ChangeBatch: { Comment: COMMENT, Changes: changes.map(toSdkChange) }
    })
    const { ChangeInfo } = await this.#call('ChangeResourceRecordSets', signal, (abortSignal) =>
      this.#client.send(command, { abortSignal })
    )
    return { id: (ChangeInfo?.Id ?? '').replace(/^\/change\//, ''), status: ChangeInfo?.Status ?? 'PENDING' }
  }

  async changeStatus(changeId: string, signal: AbortSignal): Promise<ChangeStatus> {
    const command = new this.#sdk.GetChangeCommand({ Id: changeId })
    const { ChangeInfo } = await this.#call('GetChange', signal, (abortSignal) =>
      this.#client.send(command, { abortSignal })
    )
    return ChangeInfo?.Status ?? 'PENDING'
  }

  close(): void {
    this.#client.destroy()
  }

  async #call<T>(operation: string, signal: AbortSignal, send: (signal: AbortSignal) => Promise<T>): Promise<T> {
    try {
      return await withDeadline(signal, this.#timeoutMs, send)
    } catch (error) {
      throw fromAwsError(error, operation)
    }
  }
}

function toZone({ Id = '', Name = '', Config }: Sdk.HostedZone): Zone {
  return { id: Id.replace(/^\/hostedzone\//, ''), name: fromRoute53Name(Name), isPrivate: Config?.PrivateZone ?? false }
}

function toRecordSet(raw: Sdk.ResourceRecordSet): RecordSet {
  const special = specialOf(raw)
  return {
    name: fromRoute53Name(raw.Name ?? ''),
    type: raw.Type ?? '',
    values: (raw.ResourceRecords ?? []).map(({ Value = '' }) => Value),
    ...(raw.TTL !== undefined && { ttl: raw.TTL }),
    ...(special !== undefined && { special }),
    raw
  }
}

function specialOf(raw: Sdk.ResourceRecordSet): string | undefined {
  if (raw.TrafficPolicyInstanceId !== undefined)
    return `a record set of traffic policy instance ${raw.TrafficPolicyInstanceId}`
  const alias = raw.AliasTarget === undefined ? '' : `an alias to ${fromRoute53Name(raw.AliasTarget.DNSName ?? '')}`
  if (raw.SetIdentifier === undefined) return alias === '' ? undefined : alias
  return `a ${policyOf(raw)} record set "${raw.SetIdentifier}"${alias === '' ? '' : `, ${alias},`}`
}

function policyOf(raw: Sdk.ResourceRecordSet): string {
  if (raw.Weight !== undefined) return 'weighted'
  if (raw.Region !== undefined) return 'latency'
  if (raw.Failover !== undefined) return 'failover'
  if (raw.MultiValueAnswer !== undefined) return 'multivalue'
  return 'geographic'
}

function nextPage(page: Sdk.ListResourceRecordSetsCommandOutput): PageStart {
  return {
    StartRecordName: page.NextRecordName,
    StartRecordType: page.NextRecordType,
    StartRecordIdentifier: page.NextRecordIdentifier
  }
}

function toSdkChange({ action, set }: RecordChange): Sdk.Change {
  if (action === 'DELETE') return { Action: action, ResourceRecordSet: set.raw as Sdk.ResourceRecordSet }
  const { name, type, ttl, values } = set
  return {
    Action: action,
    ResourceRecordSet: { Name: `${name}.`, Type: type, TTL: ttl, ResourceRecords: values.map((Value) => ({ Value })) }
  }
}

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
