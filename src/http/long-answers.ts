import { Readable } from 'node:stream'
import type { FastifyReply } from 'fastify'
import { nextTurn } from '../platform/turns.ts'

/** Parts of an answer written between two turns of the event loop: 100,000 pods at once would hold keepalives up for 100 ms. */
const SLICE = 500

/**
 * Sends JSON that may be long: written in turns of the event loop, and streamed; or as one text, which can be compared
 * with what the client has, where it is short.
 *
 * @param parts of the text, one for each item of its lists. The serializer of the schema does not touch them
 */
export async function sendInParts(reply: FastifyReply, parts: Iterable<string>): Promise<FastifyReply> {
  return reply.type('application/json; charset=utf-8').send(await wholeIfShort(inSlices(parts)))
}

async function* inSlices(parts: Iterable<string>): AsyncGenerator<string> {
  let slice: string[] = []
  for (const part of parts) {
    if (slice.length >= SLICE) {
      yield slice.join('')
      slice = []
      await nextTurn()
    }
    slice.push(part)
  }
  yield slice.join('')
}

async function wholeIfShort(texts: AsyncGenerator<string>): Promise<string | Readable> {
  const [first, second] = [await texts.next(), await texts.next()]
  if (second.done === true) return first.value as string
  return Readable.from(
    (async function* () {
      yield* [first.value as string, second.value]
      yield* texts
    })()
  )
}

/** The items of a JSON array, with commas between them. */
export function* jsonItems<T>(items: Iterable<T>, write: (item: T) => string): Generator<string> {
  let separator = ''
  for (const item of items) {
    yield separator + write(item)
    separator = ','
  }
}
