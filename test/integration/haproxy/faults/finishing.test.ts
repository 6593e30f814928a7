import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it } from 'vitest'
import { ask } from '../../../support/haproxy/ask.ts'
import { eventually } from '../../../support/eventually.ts'
import { ownAddress, startHaproxy, type DrivenHaproxy } from '../../../support/haproxy/start-haproxy.ts'

interface Held extends AsyncDisposable {
  address: string
  /** Of the request that keeps HAProxy from its end. */
  answer: Promise<string>
  release(): void
}

/** HAProxy in front of a server that answers at once, but for one request, which it holds. */
async function serveAndHold({ driver }: DrivenHaproxy): Promise<Held> {
  let held: ServerResponse | undefined
  const server = createServer((request, response) => {
    if (request.url === '/held') held = response
    else response.end('hello')
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = ownAddress()
  await driver.configure(`
frontend proxy
  bind ${address}:8080
  mode http
  default_backend web
backend web
  mode http
  server s 127.0.0.1:${(server.address() as AddressInfo).port}
`)
  await driver.restart()
  const answer = ask(address, 8080, '/held')
  await eventually(() => held)
  return {
    address,
    answer,
    release: () => held?.end('held'),
    async [Symbol.asyncDispose]() {
      server.close()
      server.closeAllConnections()
      await answer.catch(() => {})
    }
  }
}

/** As a stranger's hand does it; clients are refused from then on. */
async function tellToFinish({ driver }: DrivenHaproxy, address: string): Promise<void> {
  const { pid } = await driver.status()
  process.kill(pid, 'SIGUSR1')
  await eventually(
    async () =>
      await ask(address).then(
        () => false,
        () => true
      )
  )
}

describe('a HAProxy that somebody has told to finish, and that a client keeps from its end', () => {
  it('is told, and serves again; that client is served to its end', async () => {
    await using haproxy = await startHaproxy()
    await using held = await serveAndHold(haproxy)
    const { pid } = await haproxy.driver.status()
    await tellToFinish(haproxy, held.address)

    await eventually(() => haproxy.driver.problems().some(({ message }) => message.includes('was told to finish')))

    await eventually(async () => (await ask(held.address)) === 'hello', 30_000)
    await eventually(() => haproxy.driver.problems().length === 0)
    expect(await haproxy.driver.status()).toMatchObject({ pid })
    held.release()
    expect(await held.answer).toBe('held')
  })

  it('serves again as soon as a control tier begins, which asks for nothing', async () => {
    await using haproxy = await startHaproxy()
    await using held = await serveAndHold(haproxy)
    const { pid } = await haproxy.driver.status()
    await haproxy.driver.close()
    process.kill(pid, 'SIGUSR1')
    await eventually(
      async () =>
        await ask(held.address).then(
          () => false,
          () => true
        )
    )

    await haproxy.takeOver()

    expect(await ask(held.address)).toBe('hello')
    expect(haproxy.driver.problems()).toEqual([])
    held.release()
    expect(await held.answer).toBe('held')
  })
})
