import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { Agent } from 'node:http'
import { describe, expect, it } from 'vitest'
import { eventually } from '../../support/eventually.ts'
import { startLoopbackFleet } from '../../support/load/loopback-fleet.ts'
import { ownAddress, startHaproxy } from '../../support/haproxy/start-haproxy.ts'
import { startLoad } from '../../support/load/steady-load.ts'

const REQUESTS = 200_000
const CHANGES = 200
const RELOADS = 20

/** The original sample, as it is rendered: all apps in one backend, servers numbered. */
function proxy(address: string, port: number, hosts: Record<string, readonly string[]>, reloads: number): string {
  const servers = Object.entries(hosts).flatMap(([app, ips]) =>
    ips.map(
      (ip, index) => `  server ${app}-${index + 1} ${ip}:${port} check on-error mark-down observe layer7 error-limit 1`
    )
  )
  return `
frontend proxy
  bind ${address}:8080
  mode http
  http-response set-header x-reloads ${reloads}
  default_backend http
backend http
  mode http
  retries 3
  option redispatch
  option forwardfor
  option httpchk GET /health
  balance leastconn
  http-check expect status 200
  default-server inter 5s fall 1 rise 1
${servers.join('\n')}`
}

type Hosts = Record<string, readonly string[]>

/** Membership, one change after the other, for ever: of two apps, one of which always stays. */
function* changes(ipOf: (n: number) => string): Generator<Hosts> {
  let next = 0
  const fresh = (count: number): string[] => Array.from({ length: count }, () => ipOf(next++ % 60_000))
  let stays = fresh(8)
  const leaves = fresh(6)
  for (;;) {
    for (let single = 0; single < 5; single++) yield { stays: (stays = [...stays, ...fresh(1)]), leaves }
    // The first one: every number behind it shifts.
    for (let single = 0; single < 5; single++) yield { stays: (stays = stays.slice(1)), leaves }
    yield { stays: (stays = [...stays, ...fresh(50)]), leaves }
    yield { stays: (stays = stays.slice(50)), leaves }
    yield { stays }
    yield { stays, leaves }
    yield { leaves, stays: (stays = stays.toReversed()) }
    yield { leaves, stays: (stays = [...stays.slice(0, 3), ...fresh(1), ...stays.slice(4)]) }
  }
}

/** Kept-alive connections by wrk, which tells every error. */
function startWrk(url: string) {
  const wrk = spawn('wrk', ['-t1', '-c40', '-d900', '--timeout', '30s', url], { stdio: ['ignore', 'pipe', 'inherit'] })
  let output = ''
  wrk.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
  const closed = once(wrk, 'close')
  return {
    async stop(): Promise<string> {
      wrk.kill('SIGINT')
      await closed
      return output
    }
  }
}

describe('A change', () => {
  it('drops no request, whichever way it takes', { timeout: 400_000 }, async () => {
    await using haproxy = await startHaproxy()
    await using fleet = await startLoopbackFleet()
    const address = ownAddress()
    const membership = changes((n) => `127.77.${n >> 8}.${n & 255}`)
    let hosts: Hosts = membership.next().value as Hosts
    let reloads = 0
    await haproxy.driver.configure(proxy(address, fleet.port, hosts, reloads))
    await haproxy.driver.restart()
    const pids = new Set([(await haproxy.driver.status()).workerPid])
    const wrk = startWrk(`http://${address}:8080/`)
    const connecting = startLoad(address, 8080)
    const keeping = startLoad(address, 8080, { agent: new Agent({ keepAlive: true, maxSockets: 3 }) })
    const steps = CHANGES + RELOADS
    const outcomes = { applied: 0, reload: 0, unchanged: 0 }

    for (let step = 1; step <= steps; step++) {
      // Spread over the load, however fast this machine is.
      await eventually(() => fleet.requests() > (step * REQUESTS) / steps, 60_000)
      const isReload = step % (steps / RELOADS) === 0
      if (isReload) reloads++
      else hosts = membership.next().value as Hosts
      const { outcome } = await haproxy.driver.configure(proxy(address, fleet.port, hosts, reloads))
      outcomes[outcome]++
      if (outcome === 'reload') pids.add((await haproxy.driver.restart()).workerPid)
    }
    await eventually(() => fleet.requests() > REQUESTS * 1.02, 60_000)

    const said = await wrk.stop()
    await connecting[Symbol.asyncDispose]()
    await keeping[Symbol.asyncDispose]()
    expect(said).not.toMatch(/Socket errors|Non-2xx/)
    expect(connecting.failures).toEqual([])
    expect(keeping.failures).toEqual([])
    const bulk = Number(/(\d+) requests in/.exec(said)?.[1])
    expect(bulk + connecting.served() + keeping.served()).toBeGreaterThan(REQUESTS)
    expect(outcomes.applied + outcomes.unchanged).toBe(CHANGES)
    expect(outcomes.reload).toBe(RELOADS)
    expect(outcomes.unchanged).toBeLessThan(CHANGES / 10)
    // Of the changes at runtime, none made a worker.
    pids.add((await haproxy.driver.status()).workerPid)
    expect(pids.size).toBe(RELOADS + 1)
    expect(await haproxy.driver.status()).toMatchObject({ reloads: RELOADS + 1, problems: [] })
  })
})
