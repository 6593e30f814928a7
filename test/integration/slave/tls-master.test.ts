import { once } from 'node:events'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../../src/platform/clock.ts'
import type { TlsCredentials } from '../../../src/slave/http-master.ts'
import { KeepaliveLoop } from '../../../src/slave/keepalive-loop.ts'
import { selfSigned, type Certificate } from '../../support/certificates.ts'
import { eventually } from '../../support/eventually.ts'
import { silentLogger } from '../../support/test-logger.ts'

const stops: (() => unknown)[] = []

/** A master that lets in only those who show a certificate of `ca`. */
async function startMaster(own: Certificate, ca: string) {
  let pings = 0
  const server = createServer({ ...own, ca, requestCert: true, rejectUnauthorized: true }, (_request, response) => {
    pings += 1
    response.end()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  stops.push(() => {
    server.closeAllConnections()
    server.close()
  })
  return { name: `https://127.0.0.1:${(server.address() as AddressInfo).port}`, pings: () => pings }
}

function startLoop(master: string, tls: TlsCredentials | undefined): KeepaliveLoop {
  const loop = new KeepaliveLoop({
    self: { app: 'web', id: 'w', ip: '127.0.0.11', role: 'r' },
    masters: [master],
    port: 8000,
    ttlMs: 60_000,
    payload: undefined,
    tls,
    connectZerorpc: () => {
      throw new Error('no master of this test speaks ZeroRPC')
    },
    clock: systemClock,
    logger: silentLogger()
  })
  stops.push(() => loop.leave())
  loop.start()
  return loop
}

describe('a slave of a master with mutual TLS', () => {
  afterEach(async () => {
    for (const stop of stops.splice(0).reverse()) await stop()
  })

  it('shows its certificate, and trusts the authority that it was given', async () => {
    const [ofMaster, ofSlave] = [await selfSigned(), await selfSigned()]
    const master = await startMaster(ofMaster, ofSlave.cert)

    const loop = startLoop(master.name, { ...ofSlave, ca: ofMaster.cert })

    await eventually(() => loop.status()[0]?.reachable)
    expect(master.pings()).toBe(1)
  })

  it('sends nothing to a master that it does not trust, nor gets in without a certificate', async () => {
    const [ofMaster, ofSlave] = [await selfSigned(), await selfSigned()]
    const master = await startMaster(ofMaster, ofSlave.cert)

    const wary = startLoop(master.name, ofSlave)
    const stranger = startLoop(master.name, { ...(await selfSigned()), ca: ofMaster.cert })
    const plain = startLoop(master.name, undefined)

    for (const loop of [wary, stranger, plain]) await eventually(() => loop.status()[0]?.lastError)
    expect(wary.status()[0]?.lastError).toMatch(/self-signed certificate/)
    expect(master.pings()).toBe(0)
  })
})
