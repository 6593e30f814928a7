import { once } from 'node:events'
import { createServer } from 'node:http'

export interface Backend extends AsyncDisposable {
  ip: string
  /** Requests answered so far, health checks left out. */
  served(): number
}

/** A real HTTP server that answers with its own address. */
export async function startBackend(ip: string, port: number): Promise<Backend> {
  let served = 0
  const server = createServer((request, response) => {
    if (request.url !== '/health') served++
    response.setHeader('content-type', 'text/plain').end(ip)
  })
  server.listen(port, ip)
  await once(server, 'listening')
  return {
    ip,
    served: () => served,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    }
  }
}
