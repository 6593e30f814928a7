import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface HttpBackend extends AsyncDisposable {
  host: string
  port: number
  /** Requests answered so far, health checks left out. */
  requests(): number
}

/** A web server that answers with its own name. */
export async function startHttpBackend(name: string, host = '127.0.0.1', port = 0): Promise<HttpBackend> {
  let requests = 0
  const server = createServer((request, response) => {
    if (request.url !== '/health') requests++
    response.end(name)
  })
  server.listen(port, host)
  await once(server, 'listening')
  return {
    host,
    port: (server.address() as AddressInfo).port,
    requests: () => requests,
    async [Symbol.asyncDispose]() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    }
  }
}
