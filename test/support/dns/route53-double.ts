import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { Route53Fault } from './route53-fault.ts'
import { NAMESPACE, parseChangeRequest } from './route53-request.ts'
import {
  printedName,
  Route53Zone,
  sortKey,
  storedName,
  type StoredChange,
  type StoredRecordSet
} from './route53-zone.ts'
import { verifySigV4, type SigV4Key } from './verify-sigv4.ts'
import { printXml } from './xml.ts'

export type Operation =
  'ListHostedZones' | 'GetHostedZone' | 'ListResourceRecordSets' | 'ChangeResourceRecordSets' | 'GetChange'

export interface RecordedCall {
  operation: Operation
  zone?: string
  /** Of a change request that was well-formed. */
  changes?: StoredChange[]
  /** Code of the error that it was answered with. */
  refused?: string
}

/** `reset` cuts the connection, `hang` never answers. */
export type Trouble = Route53Fault | 'reset' | 'hang'

export const throttling = (): Route53Fault => new Route53Fault(400, 'Throttling', 'Rate exceeded')
export const priorRequestNotComplete = (): Route53Fault =>
  new Route53Fault(
    400,
    'PriorRequestNotComplete',
    'The request was rejected because Route 53 was still processing a prior request.'
  )

interface Route {
  operation: Operation
  id: string
}

type Answer = Parameters<typeof printXml>[0]

const KEY: SigV4Key = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' }
const USER = 'arn:aws:sts::123456789012:assumed-role/haproxy/kontrol'

/**
 * The REST/XML API of Route53 on a loopback port, as strict as the original:
 * it checks signatures, schema and change batches, pages its lists, and keeps
 * every call, so that a test can say that there was none.
 */
export class Route53Double implements AsyncDisposable {
  readonly calls: RecordedCall[] = []
  /** Lets the lists be cut into pages that are smaller than the original's. */
  pageSize = Number.POSITIVE_INFINITY
  /** What a change is at first. */
  firstStatus: 'PENDING' | 'INSYNC' = 'PENDING'
  readonly #server: Server
  readonly #zones = new Map<string, Route53Zone>()
  readonly #changes = new Map<string, 'PENDING' | 'INSYNC'>()
  readonly #troubles = new Map<Operation, Trouble[]>()
  readonly #hooks = new Map<Operation, () => void>()
  readonly #denied = new Set<Operation>()

  static async start(): Promise<Route53Double> {
    const double = new Route53Double()
    double.#server.listen(0, '127.0.0.1')
    await once(double.#server, 'listening')
    return double
  }

  constructor() {
    this.#server = createServer((request, response) => void this.#serve(request, response))
  }

  /** The environment of a process that is to use the double. */
  get env(): Record<string, string> {
    return {
      AWS_ENDPOINT_URL_ROUTE_53: `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`,
      AWS_ACCESS_KEY_ID: KEY.accessKeyId,
      AWS_SECRET_ACCESS_KEY: KEY.secretAccessKey,
      AWS_REGION: 'eu-west-1',
      AWS_EC2_METADATA_DISABLED: 'true',
      AWS_CONFIG_FILE: '/dev/null',
      AWS_SHARED_CREDENTIALS_FILE: '/dev/null'
    }
  }

  addZone(id: string, name: string, options?: { isPrivate?: boolean }): Route53Zone {
    const zone = new Route53Zone(id, name, options)
    this.#zones.set(id, zone)
    return zone
  }

  removeZone(id: string): void {
    this.#zones.delete(id)
  }

  /** The next calls of that operation fail so, one trouble each. */
  trouble(operation: Operation, ...troubles: Trouble[]): void {
    this.#troubles.set(operation, [...(this.#troubles.get(operation) ?? []), ...troubles])
  }

  /** Runs once, before the next call of that operation is answered: somebody else was faster. */
  onCall(operation: Operation, hook: () => void): void {
    this.#hooks.set(operation, hook)
  }

  deny(operation: Operation): void {
    this.#denied.add(operation)
  }

  allow(operation: Operation): void {
    this.#denied.delete(operation)
  }

  /** All name servers have all changes. */
  settle(): void {
    for (const id of this.#changes.keys()) this.#changes.set(id, 'INSYNC')
  }

  count(operation: Operation): number {
    return this.calls.filter((call) => call.operation === operation).length
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close()
    this.#server.closeAllConnections()
    await once(this.#server, 'close')
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await text(request)
    const route = routeOf(request)
    if (route === undefined) return refuse(response, new Route53Fault(404, 'UnknownOperation', 'no such operation'))
    const call: RecordedCall = { operation: route.operation }
    this.calls.push(call)
    this.#hooks.get(route.operation)?.()
    this.#hooks.delete(route.operation)
    const trouble = this.#troubles.get(route.operation)?.shift()
    if (trouble === 'hang') return
    if (trouble === 'reset') return void request.socket.destroy()
    try {
      if (trouble !== undefined) throw trouble
      send(response, 200, this.#answer(route, request, body, call))
    } catch (error) {
      const fault = error instanceof Route53Fault ? error : new Route53Fault(500, 'InternalFailure', String(error))
      call.refused = fault.code
      refuse(response, fault)
    }
  }

  #answer(route: Route, request: IncomingMessage, body: string, call: RecordedCall): Answer {
    const problem = verifySigV4(request, body, KEY)
    if (problem !== undefined) throw new Route53Fault(403, problem.code, problem.message)
    this.#authorize(route)
    const query = new URL(request.url ?? '/', 'http://localhost').searchParams
    switch (route.operation) {
      case 'ListHostedZones':
        return this.#listHostedZones(query)
      case 'GetHostedZone':
        return { GetHostedZoneResponse: { HostedZone: zoneXml(this.#zone(route.id)) } }
      case 'ListResourceRecordSets':
        call.zone = route.id
        return this.#listResourceRecordSets(this.#zone(route.id), query)
      case 'ChangeResourceRecordSets':
        call.zone = route.id
        return this.#change(this.#zone(route.id), parseChangeRequest(body), call)
      case 'GetChange':
        return { GetChangeResponse: { ChangeInfo: this.#changeInfo(route.id) } }
    }
  }

  #authorize({ operation, id }: Route): void {
    if (!this.#denied.has(operation)) return
    const resource = id === '' ? '*' : `arn:aws:route53:::${operation === 'GetChange' ? 'change' : 'hostedzone'}/${id}`
    throw new Route53Fault(
      403,
      'AccessDenied',
      `User: ${USER} is not authorized to perform: route53:${operation} on resource: ${resource} because no identity-based policy allows the route53:${operation} action`
    )
  }

  #zone(id: string): Route53Zone {
    const zone = this.#zones.get(id)
    if (zone === undefined) throw new Route53Fault(404, 'NoSuchHostedZone', `No hosted zone found with ID: ${id}`)
    return zone
  }

  #listHostedZones(query: URLSearchParams): Answer {
    const zones = [...this.#zones.values()]
    const marker = query.get('marker')
    const start = marker === null ? 0 : zones.findIndex(({ id }) => id === marker)
    if (start < 0) throw new Route53Fault(400, 'InvalidInput', `The marker '${marker}' is not valid`)
    const size = this.#sizeOf(query, 100)
    const next = zones[start + size]
    return {
      ListHostedZonesResponse: {
        HostedZones: zones.slice(start, start + size).map((zone) => ({ HostedZone: zoneXml(zone) })),
        Marker: marker ?? undefined,
        IsTruncated: next !== undefined,
        NextMarker: next?.id,
        MaxItems: size
      }
    }
  }

  #listResourceRecordSets(zone: Route53Zone, query: URLSearchParams): Answer {
    const from = startKeyOf(query)
    const sets = zone.ordered().filter((set) => sortKey(set) >= from)
    const size = this.#sizeOf(query, 300)
    const next = sets[size]
    return {
      ListResourceRecordSetsResponse: {
        ResourceRecordSets: sets.slice(0, size).map((set) => ({ ResourceRecordSet: setXml(set) })),
        IsTruncated: next !== undefined,
        ...(next && { NextRecordName: printedName(next.name), NextRecordType: next.type }),
        NextRecordIdentifier: next?.identifier,
        MaxItems: size
      }
    }
  }

  #change(zone: Route53Zone, changes: StoredChange[], call: RecordedCall): Answer {
    call.changes = changes
    zone.change(changes)
    const id = `C${String(this.#changes.size + 1).padStart(13, '0')}`
    this.#changes.set(id, this.firstStatus)
    return { ChangeResourceRecordSetsResponse: { ChangeInfo: this.#changeInfo(id) } }
  }

  #changeInfo(id: string): Answer {
    const status = this.#changes.get(id)
    if (status === undefined) {
      throw new Route53Fault(404, 'NoSuchChange', `Could not find resource with ID: ${id}`)
    }
    return { Id: `/change/${id}`, Status: status, SubmittedAt: new Date().toISOString() }
  }

  #sizeOf(query: URLSearchParams, most: number): number {
    const asked = Number(query.get('maxitems') ?? most)
    if (!(asked >= 1)) throw new Route53Fault(400, 'InvalidInput', 'maxitems must be at least 1')
    return Math.min(asked, most, this.pageSize)
  }
}

function routeOf({ method, url = '/' }: IncomingMessage): Route | undefined {
  const { pathname } = new URL(url, 'http://localhost')
  const [, collection, id = '', rrset] =
    /^\/2013-04-01\/(hostedzone|change)(?:\/([A-Z0-9]+)(\/rrset\/?)?)?$/.exec(pathname) ?? []
  if (collection === undefined) return undefined
  if (collection === 'change') return { operation: 'GetChange', id }
  if (rrset === undefined) return { operation: id === '' ? 'ListHostedZones' : 'GetHostedZone', id }
  return { operation: method === 'POST' ? 'ChangeResourceRecordSets' : 'ListResourceRecordSets', id }
}

function startKeyOf(query: URLSearchParams): string {
  const [name, type, identifier] = [query.get('name'), query.get('type'), query.get('identifier')]
  if (name === null ? type !== null : type === null && identifier !== null) {
    throw new Route53Fault(
      400,
      'InvalidInput',
      'The request has a type without a name, or an identifier without a type'
    )
  }
  if (name === null) return ''
  return sortKey({ name: storedName(name), type: type ?? '', ...(identifier !== null && { identifier }) })
}

const zoneXml = ({ id, name, isPrivate, sets }: Route53Zone): Answer => ({
  Id: `/hostedzone/${id}`,
  Name: printedName(name),
  CallerReference: id,
  Config: { PrivateZone: isPrivate },
  ResourceRecordSetCount: sets.length
})

const setXml = ({ name, type, ttl, values, identifier, extra }: StoredRecordSet): Answer => ({
  Name: printedName(name),
  Type: type,
  SetIdentifier: identifier,
  ...extra,
  TTL: ttl,
  ResourceRecords: values.length === 0 ? undefined : values.map((Value) => ({ ResourceRecord: { Value } }))
})

function refuse(response: ServerResponse, { status, code, message }: Route53Fault): void {
  send(response, status, {
    ErrorResponse: { Error: { Type: 'Sender', Code: code, Message: message }, RequestId: 'b25f48e8' }
  })
}

function send(response: ServerResponse, status: number, answer: Answer): void {
  const xml = printXml(answer).replace(/^<(\w+)>/, `<$1 xmlns="${NAMESPACE}">`)
  response.writeHead(status, { 'content-type': 'text/xml', 'x-amzn-requestid': 'b25f48e8' })
  response.end(`<?xml version="1.0"?>\n${xml}`)
}
