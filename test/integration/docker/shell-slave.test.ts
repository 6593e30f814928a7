import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { eventually } from '../../support/eventually.ts'

interface Deployment {
  spec: { template: { spec: { containers: { name: string; args: string[] }[] } } }
}

/** The loop of the container `keepalive` in `docker/kubernetes/slave.yaml`. */
function shellLoop(): string {
  const yaml = readFileSync(new URL('../../../docker/kubernetes/slave.yaml', import.meta.url), 'utf8')
  const containers = parseAllDocuments(yaml).flatMap(
    (document) => (document.toJS() as Deployment).spec.template.spec.containers
  )
  return containers.find(({ name }) => name === 'keepalive')?.args[0] ?? ''
}

describe('the shell loop of docker/kubernetes/slave.yaml', () => {
  it('reports while the web server answers, and says goodbye when it ends', async () => {
    const pings: unknown[] = []
    // Master and web server in one.
    const server = createServer((request, response) => {
      void text(request).then((body) => {
        if (request.url === '/ping') pings.push(JSON.parse(body))
        response.end()
      })
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const script = shellLoop().replace('http://haproxy.default.svc:8000', address).replace('http://127.0.0.1/', address)
    const env = { ...process.env, KONTROL_ID: 'web-shell-1', KONTROL_IP: '127.0.0.11' }

    const loop = spawn('sh', ['-c', script], { env, stdio: 'ignore' })
    const exited = once(loop, 'exit')
    await eventually(() => pings.length === 1)
    loop.kill('SIGTERM')
    await exited
    server.close()

    const ping = { app: 'web-shell', id: 'web-shell-1', ip: '127.0.0.11', key: '2kce4X', payload: '', role: 'server' }
    expect(pings).toEqual([ping, { ...ping, down: true }])
  })
})
