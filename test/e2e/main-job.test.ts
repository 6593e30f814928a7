import { setTimeout as sleep } from 'node:timers/promises'
import { Agent, request } from 'undici'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { describe, expect, it } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { httpSample } from '../support/haproxy/sample-template.ts'
import { startBackend } from '../support/haproxy/start-backend.ts'
import { freePort } from '../support/free-port.ts'
import { startService, type RunningService } from '../support/service/start-service.ts'

async function samplePorts() {
  return { proxy: await freePort(), stats: await freePort(), backend: await freePort('0.0.0.0') }
}

async function ask(port: number): Promise<string> {
  const { statusCode, body } = await request(`http://127.0.0.1:${port}/`, { reset: true })
  const text = await body.text()
  if (statusCode !== 200) throw new Error(`answered ${statusCode}: ${text}`)
  return text
}

/** So many requests that one of four is asked for certain: HAProxy 3.2 deals them at random with `leastconn`. */
const ALL_ASKED = 80

/** Who answers `count` requests. */
async function answering(port: number, count = ALL_ASKED): Promise<Set<string>> {
  const seen = new Set<string>()
  for (let n = 0; n < count; n++) seen.add(await ask(port))
  return seen
}

interface PodsBody {
  pods: { ip: string; seq: number; held: boolean }[]
}

describe('the main job', () => {
  it('serves a slave soon after its keepalive, and no more after its goodbye or its TTL', async () => {
    const ports = await samplePorts()
    await using one = await startBackend('127.0.0.2', ports.backend)
    await using two = await startBackend('127.0.0.3', ports.backend)
    await using three = await startBackend('127.0.0.4', ports.backend)
    await using service = await startService({
      template: httpSample(ports),
      env: { KONTROL_TTL: '3', KONTROL_DAMPER: '0.2' }
    })
    await service.ready()
    const stopPinging = keepPinging(service, [one.ip, two.ip, three.ip])
    await eventually(async () => (await answering(ports.proxy)).size === 3)

    await using four = await startBackend('127.0.0.5', ports.backend)
    expect(await service.ping(four.ip)).toBe(200)
    await eventually(async () => (await answering(ports.proxy)).has(four.ip))

    await service.ping(four.ip, { down: true })
    await eventually(async () => !(await answering(ports.proxy)).has(four.ip))
    const served = four.served()
    await answering(ports.proxy)
    expect(four.served()).toBe(served)

    // Once more, and silent from then on: it leaves when its TTL is over.
    await service.ping(four.ip)
    await eventually(async () => (await answering(ports.proxy)).has(four.ip))
    await eventually(async () => (await service.json<PodsBody>('/api/v1/pods')).pods.length === 3)
    await eventually(async () => !(await answering(ports.proxy)).has(four.ip))
    stopPinging()
  })

  it('goes on serving when the control tier is killed, and takes everything up again', async () => {
    const ports = await samplePorts()
    await using backend = await startBackend('127.0.0.2', ports.backend)
    await using service = await startService({ template: httpSample(ports) })
    // One that came and went, so that the sequence has a gap to remember.
    await service.ping('127.0.0.3')
    await service.ping('127.0.0.3', { down: true })
    await service.ping(backend.ip)
    await eventually(async () => (await ask(ports.proxy)) === backend.ip)
    const before = await service.json<PodsBody>('/api/v1/pods')
    // The master does not answer while it is taking in a reload.
    const pid = await eventually(async () => (await service.json<{ pid?: number }>('/api/v1/haproxy')).pid)
    const load = startLoad(ports.proxy)

    await service.kill('SIGKILL')
    await sleep(500)
    await service.start()
    await service.ready()
    await service.ping(backend.ip)

    const { failures, requests } = await load.stop()
    expect(failures).toEqual([])
    expect(requests).toBeGreaterThan(20)
    const after = await service.json<PodsBody>('/api/v1/pods')
    expect(after.pods.map(({ ip, seq }) => ({ ip, seq }))).toEqual(before.pods.map(({ ip, seq }) => ({ ip, seq })))
    expect((await service.json<{ pid: number }>('/api/v1/haproxy')).pid).toBe(pid)
  })
})

describe('A registry that was lost', () => {
  it('takes no server out before its pods had the time to report again', async () => {
    const ports = await samplePorts()
    await using early = await startBackend('127.0.0.2', ports.backend)
    await using late = await startBackend('127.0.0.3', ports.backend)
    await using service = await startService({ template: httpSample(ports), env: { KONTROL_TTL: '4' } })
    const stopBefore = keepPinging(service, [early.ip, late.ip])
    const both = new Set([early.ip, late.ip])
    await eventually(async () => isDeepStrictEqual(await answering(ports.proxy), both))
    stopBefore()
    const load = startLoad(ports.proxy)

    await service.kill('SIGKILL')
    await rm(join(service.data, 'registry'), { recursive: true })
    await service.start()
    await service.ping(early.ip)
    const waiting = await eventually(async () => {
      const { body } = await service.get('/api/v1/reconfigurations')
      return body.includes('KTL_REGISTRY_FILLING') ? await service.get('/readyz') : undefined
    })
    expect(waiting.status).toBe(503)
    expect(await answering(ports.proxy)).toEqual(both)
    const stopAfter = keepPinging(service, [early.ip, late.ip])
    await service.ready()

    expect(await answering(ports.proxy)).toEqual(both)
    expect((await load.stop()).failures).toEqual([])
    expect((await service.json<{ pods: unknown[] }>('/api/v1/pods')).pods).toHaveLength(2)
    stopAfter()
  })
})

function keepPinging(service: RunningService, ips: readonly string[]): () => void {
  const round = (): void => void Promise.all(ips.map((ip) => service.ping(ip))).catch(() => {})
  round()
  const timer = setInterval(round, 500)
  return () => clearInterval(timer)
}

/** Requests one after another, some on a kept connection and some on a new one. */
function startLoad(port: number) {
  const agent = new Agent({ connections: 1 })
  const failures: string[] = []
  let requests = 0
  let running = true
  const loop = async (): Promise<void> => {
    while (running) {
      requests++
      await request(`http://127.0.0.1:${port}/`, { dispatcher: agent, reset: requests % 2 === 0 })
        .then(async ({ statusCode, body }) => {
          await body.dump()
          if (statusCode !== 200) failures.push(`status ${statusCode}`)
        })
        .catch((error: unknown) => failures.push(String(error)))
      await sleep(5)
    }
  }
  const done = loop()
  return {
    async stop() {
      running = false
      await done
      await agent.close()
      return { failures, requests }
    }
  }
}
