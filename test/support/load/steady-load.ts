import { Agent, request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'

export interface SteadyLoad extends AsyncDisposable {
  /** Requests that were answered 200 so far. */
  served(): number
  /** Why the others were not. */
  failures: string[]
}

export interface LoadOptions {
  /** A new connection for each request, unless told otherwise. */
  agent?: Agent
  /** Milliseconds between two requests of each of the three who ask. */
  pauseMs?: number
}

/** Asks again and again without ever trying a failed request twice. */
export function startLoad(host: string, port: number, options: LoadOptions = {}): SteadyLoad {
  const { agent = new Agent({ keepAlive: false }), pauseMs = 2 } = options
  const failures: string[] = []
  let served = 0
  let stopped = false
  const loop = async (): Promise<void> => {
    while (!stopped) {
      const failure = await once(host, port, agent)
      if (failure === undefined) served++
      else failures.push(failure)
      await sleep(pauseMs)
    }
  }
  const loops = [loop(), loop(), loop()]
  return {
    served: () => served,
    failures,
    async [Symbol.asyncDispose]() {
      stopped = true
      await Promise.all(loops)
      agent.destroy()
    }
  }
}

async function once(host: string, port: number, agent: Agent): Promise<string | undefined> {
  return await new Promise((resolve) => {
    const outgoing = request({ host, port, agent, timeout: 10_000 }, (response) => {
      response.resume()
      response.on('end', () => resolve(response.statusCode === 200 ? undefined : `status ${response.statusCode}`))
      response.on('error', (error) => resolve(error.message))
    })
    outgoing.on('timeout', () => outgoing.destroy(new Error('no answer within 10 s')))
    outgoing.on('error', (error) => resolve(error.message))
    outgoing.end()
  })
}
