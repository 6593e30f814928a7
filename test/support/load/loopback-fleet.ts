import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'

export interface LoopbackFleet extends AsyncDisposable {
  port: number
  /** Requests answered so far, health checks left out. */
  requests(): number
}

/**
 * A web server on every address of the loopback network, in a thread of its
 * own: as many backends as a test wants, told apart by their addresses.
 */
export async function startLoopbackFleet(): Promise<LoopbackFleet> {
  const counter = new SharedArrayBuffer(4)
  const requests = new Int32Array(counter)
  const worker = new Worker(fileURLToPath(new URL('loopback-fleet-thread.mjs', import.meta.url)), {
    workerData: counter
  })
  const [port] = (await once(worker, 'message')) as [number]
  return {
    port,
    requests: () => Atomics.load(requests, 0),
    async [Symbol.asyncDispose]() {
      await worker.terminate()
    }
  }
}
