import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { PROBE_HEADER } from './pods.ts'

/** One kind of request, sent several times. */
export interface Probe {
  /** Address of the driven HAProxy. */
  host: string
  port: number
  tls?: boolean
  path: string
  headers?: Readonly<Record<string, string>>
  /** Address of the client, where that counts. */
  from?: string
  /** The one that the configuration names for it, as `backend/server`, as long as it takes requests. */
  server?: string
}

/** What a client saw. */
export interface Seen {
  status: number | string
  /** The pod that answered, as its last number; `-` when HAProxy itself did. */
  pod: string
  /** Headers that HAProxy added, on either way. */
  headers: string
  /** Those of them that name the server. */
  name: string
}

export class Client {
  readonly #http = new HttpAgent({ keepAlive: true, maxSockets: 4 })
  readonly #https = new HttpsAgent({ keepAlive: true, maxSockets: 4 })

  /** Each probe so many times, in rounds. */
  async ask(probes: readonly Probe[], rounds: number): Promise<Seen[][]> {
    const seen: Seen[][] = probes.map(() => [])
    const jobs = Array.from({ length: rounds }, () => probes.map((probe, index) => ({ probe, index }))).flat()
    let next = 0
    const worker = async (): Promise<void> => {
      for (let job = jobs[next++]; job !== undefined; job = jobs[next++]) {
        seen[job.index]?.push(await this.#once(job.probe))
      }
    }
    await Promise.all([worker(), worker(), worker()])
    return seen
  }

  close(): void {
    this.#http.destroy()
    this.#https.destroy()
  }

  async #once(probe: Probe): Promise<Seen> {
    const { host, port, tls = false, path, headers = {}, from } = probe
    const options = {
      ...{ host, port, path, timeout: 5_000, headers: { host: 'oracle.test', ...headers, [PROBE_HEADER]: '1' } },
      ...(from === undefined ? {} : { localAddress: from })
    }
    return await new Promise((resolve) => {
      const take = (response: IncomingMessage): void => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('error', () => resolve(failed('cut')))
        response.on('end', () => resolve(seenOf(response, Buffer.concat(chunks).toString('utf8'))))
      }
      const request = tls
        ? httpsRequest({ ...options, agent: this.#https, rejectUnauthorized: false, servername: 'oracle.test' }, take)
        : httpRequest({ ...options, agent: this.#http }, take)
      request.on('error', (error: NodeJS.ErrnoException) => resolve(failed(error.code ?? 'error')))
      request.on('timeout', () => request.destroy(Object.assign(new Error('timeout'), { code: 'TIMEOUT' })))
      request.end()
    })
  }
}

function failed(status: string): Seen {
  return { status, pod: '-', headers: '', name: '' }
}

function seenOf(response: IncomingMessage, body: string): Seen {
  const own = Object.entries(response.headers).filter(([name]) => /^(?:x-(?!served-by)|location)/.test(name))
  // A cookie that is made of the address of the pod differs by nature.
  const cookies = (response.headers['set-cookie']?.join() ?? '').replace(/=[\da-f]{16}\b/, '=address')
  const servedBy = String(response.headers['x-served-by'] ?? '')
  const status = response.statusCode ?? 0
  try {
    const { pod, url, seen } = JSON.parse(body) as { pod: string; url: string; seen: Record<string, string> }
    const { 'x-srv': name = '', ...others } = seen
    return {
      status,
      pod: pod.split('.').slice(2).join('.'),
      headers: JSON.stringify([url, others, own]),
      name: `${name}${cookies}${servedBy}`
    }
  } catch {
    return { status, pod: '-', headers: JSON.stringify(own), name: '' }
  }
}
