import { Route53Fault } from './route53-fault.ts'
import { storedName, type StoredChange, type StoredRecordSet } from './route53-zone.ts'
import { childOf, parseXml, textOf, type XmlElement } from './xml.ts'

export const NAMESPACE = 'https://route53.amazonaws.com/doc/2013-04-01/'

const MAX_TTL = 2_147_483_647
const TYPES = 'A AAAA CAA CNAME DS HTTPS MX NAPTR NS PTR SOA SPF SRV SSHFP SVCB TLSA TXT'.split(' ')
const EXTRAS =
  'Weight Region GeoLocation Failover MultiValueAnswer AliasTarget HealthCheckId CidrRoutingConfig GeoProximityLocation TrafficPolicyInstanceId'.split(
    ' '
  )

/** The body of ChangeResourceRecordSets, held against its schema. */
export function parseChangeRequest(body: string): StoredChange[] {
  const root = parseBody(body)
  if (root.name !== 'ChangeResourceRecordSetsRequest' || root.attributes.xmlns !== NAMESPACE) {
    throw new Route53Fault(400, 'MalformedInput', `Unexpected root element <${root.name}>, or a wrong namespace`)
  }
  allow(root, ['ChangeBatch'])
  const batch = required(root, 'ChangeBatch')
  allow(batch, ['Comment', 'Changes'])
  if ((textOf(batch, 'Comment') ?? '').length > 256) throw invalidInput("length of 'Comment' is greater than 256")
  const changes = required(batch, 'Changes')
  allow(changes, ['Change'])
  if (changes.children.length === 0) throw invalidInput('Request contains no changes')
  return changes.children.map(parseChange)
}

function parseBody(body: string): XmlElement {
  try {
    return parseXml(body)
  } catch (cause) {
    throw new Route53Fault(400, 'MalformedInput', `Invalid XML ; ${String(cause)}`)
  }
}

function parseChange(element: XmlElement): StoredChange {
  allow(element, ['Action', 'ResourceRecordSet'])
  const action = required(element, 'Action').text
  if (!['CREATE', 'DELETE', 'UPSERT'].includes(action)) {
    throw invalidInput(
      `cvc-enumeration-valid: Value '${action}' is not facet-valid with respect to enumeration '[CREATE, DELETE, UPSERT]'`
    )
  }
  return { action, set: parseRecordSet(required(element, 'ResourceRecordSet'), action) }
}

function parseRecordSet(element: XmlElement, action: string): StoredRecordSet {
  allow(element, ['Name', 'Type', 'TTL', 'ResourceRecords', 'SetIdentifier', ...EXTRAS])
  const name = required(element, 'Name').text
  const type = required(element, 'Type').text
  if (!TYPES.includes(type)) throw invalidInput(`cvc-enumeration-valid: Value '${type}' is not a RRType`)
  const ttl = parseTtl(textOf(element, 'TTL'))
  const values = (childOf(element, 'ResourceRecords')?.children ?? []).map((record) => required(record, 'Value').text)
  const identifier = textOf(element, 'SetIdentifier')
  if (childOf(element, 'AliasTarget') === undefined) {
    const where = `in Change with [Action=${action}, Name=${name}, Type=${type}, SetIdentifier=${identifier ?? 'null'}]`
    checkPlain(ttl, values, where)
  }
  return {
    name: storedName(name),
    type,
    values,
    extra: parseExtra(element),
    ...(ttl !== undefined && { ttl }),
    ...(identifier !== undefined && { identifier })
  }
}

function checkPlain(ttl: number | undefined, values: readonly string[], where: string): void {
  if (values.length === 0) {
    throw new Route53Fault(
      400,
      'InvalidInput',
      `Invalid request: Expected exactly one of [AliasTarget, all of [TTL, and ResourceRecords], or TrafficPolicyInstanceId], but found none ${where}`
    )
  }
  if (ttl === undefined) throw new Route53Fault(400, 'InvalidInput', `Invalid request: Missing field 'TTL' ${where}`)
}

function parseExtra(element: XmlElement): StoredRecordSet['extra'] {
  return Object.fromEntries(
    element.children
      .filter(({ name }) => EXTRAS.includes(name))
      .map(({ name, text, children }) => [
        name,
        children.length === 0 ? text : Object.fromEntries(children.map((child) => [child.name, child.text]))
      ])
  )
}

function parseTtl(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  if (!/^-?\d+$/.test(text))
    throw invalidInput(`cvc-datatype-valid.1.2.1: '${text}' is not a valid value for 'integer'.`)
  const ttl = Number(text)
  if (ttl < 0)
    throw invalidInput(
      `cvc-minInclusive-valid: Value '${text}' is not facet-valid with respect to minInclusive '0' for type 'TTL'.`
    )
  if (ttl > MAX_TTL) {
    throw invalidInput(
      `cvc-maxInclusive-valid: Value '${text}' is not facet-valid with respect to maxInclusive '${MAX_TTL}' for type 'TTL'.`
    )
  }
  return ttl
}

function allow(element: XmlElement, names: readonly string[]): void {
  const stranger = element.children.find(({ name }) => !names.includes(name))
  if (stranger === undefined) return
  throw invalidInput(`cvc-complex-type.2.4.a: Invalid content was found starting with element '${stranger.name}'.`)
}

function required(element: XmlElement, name: string): XmlElement {
  const child = childOf(element, name)
  if (child === undefined)
    throw invalidInput(
      `cvc-complex-type.2.4.b: The content of element '${element.name}' is not complete, '${name}' is expected.`
    )
  return child
}

const invalidInput = (detail: string): Route53Fault => new Route53Fault(400, 'InvalidInput', `Invalid XML ; ${detail}`)
