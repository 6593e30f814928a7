import { setTimeout as sleep } from 'node:timers/promises'
import type { Pool } from 'undici'
import { messageOf } from '../../../src/errors.ts'

export interface Traffic {
  /** Requests answered with 200, by what the answer said. */
  answers: Map<string, number>
  /** What went wrong, one entry a request. */
  failures: string[]
}

interface TrafficOptions {
  /** How many to send; without it, until the signal. */
  requests?: number
  signal?: AbortSignal
  /** Where answers are counted as they come. */
  answers?: Map<string, number>
}

const WORKERS = 4
/** Bounds a test whose signal never comes. */
const MOST = 100_000

/** Sends requests over a few connections, each a few milliseconds after the answer before it. */
export async function sendTraffic(
  pool: Pool,
  { requests = MOST, signal, answers = new Map() }: TrafficOptions
): Promise<Traffic> {
  const traffic: Traffic = { answers, failures: [] }
  let left = requests
  const work = async (): Promise<void> => {
    while (left > 0 && !signal?.aborted) {
      left -= 1
      await sendOne(pool, traffic)
      if (requests === MOST) await sleep(5)
    }
  }
  await Promise.all(Array.from({ length: WORKERS }, work))
  return traffic
}

async function sendOne(pool: Pool, { answers, failures }: Traffic): Promise<void> {
  try {
    const { statusCode, body } = await pool.request({ path: '/', method: 'GET', headersTimeout: 10_000 })
    const text = await body.text()
    if (statusCode === 200) answers.set(text, (answers.get(text) ?? 0) + 1)
    else failures.push(`${statusCode}: ${text.slice(0, 100)}`)
  } catch (error) {
    failures.push(messageOf(error))
  }
}
