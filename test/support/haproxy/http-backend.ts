import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface HttpBackend extends AsyncDisposable {
  host: string
  port: number
  /** Requests answered so far, health checks left out. */
  requests(): number
  /** Connections taken so far, those of health checks included. */
  connections(): number
}

/** A web server that answers with its own name, after `delayMs`. */
export async function startHttpBackend(name: string, host = '127.0.0.1', port = 0, delayMs = 0): Promise<HttpBackend> {
  let requests = 0
  let connections = 0
  const server = createServer((request, response) => {
    if (request.url === '/health') return response.end(name)
    requests++
    return delayMs === 0 ? response.end(name) : setTimeout(() => response.end(name), delayMs)
  })
  server.on('connection', () => connections++)
  server.listen(port, host)
  await once(server, 'listening')
  return {
    host,
    port: (server.address() as AddressInfo).port,
    requests: () => requests,
    connections: () => connections,
    async [Symbol.asyncDispose]() {
      if (!server.listening) return
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    }
  }
}
