import { nextTurn } from '../platform/turns.ts'

/** One figure at one moment. */
export interface Sample {
  metric: string
  value: number
  /** Milliseconds since the epoch. */
  at: number
  tags: Readonly<Record<string, string>>
}

/**
 * A sample as a line of OpenTSDB's telnet protocol, without its end, or
 * undefined for a value that the protocol cannot carry:
 *
 *     put haproxy_scur 1700000000 3 proxy=front sv=FRONTEND type=frontend app=haproxy
 *
 * @see http://opentsdb.net/docs/build/html/api_telnet/put.html
 */
export function putLine({ metric, value, at, tags }: Sample): string | undefined {
  if (!Number.isFinite(value)) return undefined
  const pairs = Object.entries(tags)
    // A tag without a value is an error of the whole line.
    .filter(([key, text]) => key !== '' && text !== '')
    .map(([key, text]) => `${clean(key)}=${clean(text)}`)
  return ['put', clean(metric), Math.floor(at / 1000), value, ...pairs].join(' ')
}

/** Letters, digits and `-_./` are all that OpenTSDB takes. */
function clean(name: string): string {
  return name.replace(/[^\p{L}\p{Nd}\-_./]/gu, '_')
}

/** A row of HAProxy's takes some 50 µs to read. */
const SLICE = 100

/** The items, with a pause after each hundred in which the event loop gets to its other work, keepalives first of all. */
export async function* inSlices<T>(items: readonly T[]): AsyncGenerator<readonly T[]> {
  for (let from = 0; from < items.length; from += SLICE) {
    if (from > 0) await nextTurn()
    yield items.slice(from, from + SLICE)
  }
}
