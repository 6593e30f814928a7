import { KontrolError } from '../errors.ts'
import type { PodObject } from './pod-metadata.ts'

export interface PodEvent {
  type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK'
  object: PodObject
}

type WatchLine = PodEvent | { type: 'ERROR'; object: { code?: number; message?: string } }

/** The server no longer knows the version that a watch began at: read the object again. */
export class ResourceExpired extends Error {
  override readonly name = 'ResourceExpired'
}

/**
 * The events of a watch. As an API server 1.29 sends them, one a line:
 *
 *     {"type":"MODIFIED","object":{"kind":"Pod","apiVersion":"v1","metadata":{"name":"haproxy-0","resourceVersion":"1187",…}}}
 *     {"type":"BOOKMARK","object":{"kind":"Pod","apiVersion":"v1","metadata":{"resourceVersion":"1202","creationTimestamp":null}…}}
 *     {"type":"ERROR","object":{"kind":"Status","status":"Failure","message":"too old resource version: 1 (1180)","reason":"Expired","code":410}}
 */
export async function* readEvents(stream: AsyncIterable<Buffer>): AsyncGenerator<PodEvent> {
  for await (const line of linesOf(stream)) {
    const event = JSON.parse(line) as WatchLine
    if (event.type !== 'ERROR') {
      yield event
      continue
    }
    const { code, message = 'no reason given' } = event.object
    if (code === 410) throw new ResourceExpired(message)
    throw new KontrolError('KTL_KUBERNETES_UNAVAILABLE', `The Kubernetes API ended a watch: ${message}`)
  }
}

async function* linesOf(stream: AsyncIterable<Buffer>): AsyncGenerator<string> {
  // A chunk may end inside a character.
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n')
    rest = lines.pop() ?? ''
    yield* lines.filter((line) => line !== '')
  }
}
