import { createServer } from 'node:http'
import { parentPort, workerData } from 'node:worker_threads'

const requests = new Int32Array(workerData)
const server = createServer((request, response) => {
  if (request.url !== '/health') Atomics.add(requests, 0, 1)
  response.end('hello')
})
server.keepAliveTimeout = 300_000
server.listen(0, '0.0.0.0', () => parentPort.postMessage(server.address().port))
