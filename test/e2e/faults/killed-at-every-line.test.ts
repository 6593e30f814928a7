import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { describe, expect, it } from 'vitest'
import { eventually } from '../../support/eventually.ts'
import { startHttpBackend } from '../../support/haproxy/http-backend.ts'
import { webTemplate } from '../../support/haproxy/sample-template.ts'
import { ownAddress } from '../../support/haproxy/start-haproxy.ts'
import { createService, type RunningService } from '../../support/service/start-service.ts'
import { startLoad } from '../../support/load/steady-load.ts'

/** What the machine says once it is at rest: behind it nothing is left to be broken off. */
const AT_REST = '"reconfigured"'

/**
 * Kills the process behind its line `n`, as it is being written.
 *
 * @returns whether the work was done before; it lives then
 */
async function killAtLine(child: ChildProcess, n: number): Promise<boolean> {
  if (child.stdout === null) throw new Error('its output is not read')
  let seen = 0
  for await (const line of createInterface(child.stdout)) {
    seen++
    if (seen === n) {
      child.kill('SIGKILL')
      if (child.signalCode === null && child.exitCode === null) await once(child, 'exit')
      return false
    }
    if (line.includes(AT_REST)) return true
  }
  throw new Error(`it ended by itself behind line ${seen}`)
}

/** What HAProxy runs, and that it is what was wanted. */
async function isRight(service: RunningService, maxconn: number, servers: number): Promise<void> {
  await service.ready()
  await eventually(async () => {
    const { body } = await service.get('/api/v1/config')
    return body.includes(`maxconn ${maxconn}\n`) && [...body.matchAll(/^ {2}server /gm)].length === servers
  })
}

describe('a control tier that is killed behind any line of its log', () => {
  it('leaves HAProxy serving, in a start and in a reload, and the next start is right; no request fails', async () => {
    const address = ownAddress()
    await using one = await startHttpBackend('one', '127.0.0.1')
    await using two = await startHttpBackend('two', '127.0.0.2', one.port)
    await using service = await createService()
    const file = join(service.data, 'template')
    service.setEnvironment({ KONTROL_CONFIG_FILE: file, KONTROL_RELOAD_INTERVAL: '0', KONTROL_DAMPER: '0' })
    let maxconn = 1_000
    await writeFile(file, webTemplate(address, one.port, maxconn))
    await service.start()
    await service.ping(one.host)
    await service.ping(two.host)
    await isRight(service, maxconn, 2)
    await using load = startLoad(address, 8080)
    await service.kill('SIGKILL')

    let killed = 0
    for (let n = 1; !(await killAtLine(service.spawn(), n)); n++) killed++
    await isRight(service, maxconn, 2)
    expect(load.failures).toEqual([])
    // Found, adopted, registry, sockets, control tier, taken up: a start has more to say than this.
    expect(killed).toBeGreaterThan(4)

    for (let n = 1, done = false; !done; n++) {
      const child = service.child()
      const gone = killAtLine(child, n)
      maxconn++
      await writeFile(file, webTemplate(address, one.port, maxconn))
      done = await gone
      if (!done) await service.start()
      await isRight(service, maxconn, 2)
      if (!done) killed++
    }

    expect(load.failures).toEqual([])
    expect(load.served()).toBeGreaterThan(100)
  }, 480_000)
})
