import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { request } from 'undici'
import { describe, expect, it } from 'vitest'
import { eventually } from '../../support/eventually.ts'
import { readSample } from '../../support/haproxy/sample-template.ts'
import { startBackend } from '../../support/haproxy/start-backend.ts'
import { freePort } from '../../support/free-port.ts'
import { tempDir } from '../../support/temp-dir.ts'

const MAIN = join(import.meta.dirname, '../../../dist/main.js')

async function startDemo(folder: string, env: NodeJS.ProcessEnv = {}) {
  const port = await freePort()
  const child = spawn(process.execPath, [MAIN, 'demo'], {
    env: { PATH: process.env.PATH, KONTROL_DATA: folder, KONTROL_PORT: String(port), ...env },
    stdio: ['ignore', 'pipe', 'pipe']
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += String(chunk)))
  await eventually(() => {
    if (child.exitCode !== null) throw new Error(`the demo ended with ${child.exitCode}:\n${output}`)
    return output.includes('First request: Served by')
  }, 40_000)
  return {
    port,
    output: () => output,
    async interrupt() {
      const exited = once(child, 'exit') as Promise<[number | null]>
      child.kill('SIGINT')
      return (await exited)[0]
    }
  }
}

async function answers(port: number, count = 12): Promise<Set<string>> {
  const seen = new Set<string>()
  for (let n = 0; n < count; n++) {
    const { statusCode, body } = await request(`http://127.0.0.1:${port}/`, { reset: true })
    expect(statusCode).toBe(200)
    seen.add((await body.text()).trim())
  }
  return seen
}

/** Processes that still have something to do with the demo. */
function leftOvers(folder: string): string {
  const processes = execFileSync('ps', ['-eo', 'pid,args'], { encoding: 'utf8' })
  return processes
    .split('\n')
    .filter((line) => line.includes(folder))
    .join('\n')
}

const allThree = new Set(['127.0.0.2', '127.0.0.3', '127.0.0.4'].map((ip) => `Served by ${ip}`))

describe('kontrol demo', () => {
  it('serves from all three slaves, takes a fourth by one PUT, and leaves nothing behind', async () => {
    await using dir = await tempDir()
    const demo = await startDemo(dir.path)
    const [, proxy = ''] = /Proxy +http:\/\/127\.0\.0\.1:(\d+)/.exec(demo.output()) ?? []
    const [, slave = ''] = /127\.0\.0\.2:(\d+)/.exec(demo.output()) ?? []
    await eventually(async () => expect(await answers(Number(proxy))).toEqual(allThree))

    await using fourth = await startBackend('127.0.0.5', Number(slave))
    const put = await request(`http://127.0.0.1:${demo.port}/ping`, {
      method: 'PUT',
      body: '{"app":"demo","role":"web","id":"fourth","ip":"127.0.0.5","key":"2kce4R"}'
    })
    expect(put.statusCode).toBe(200)
    await eventually(async () => (await answers(Number(proxy))).has(fourth.ip))

    expect(await demo.interrupt()).toBe(0)
    expect(leftOvers(dir.path)).toBe('')
  })

  it('ends with 75 on a port that another control tier has, and asks that one for nothing', async () => {
    await using dir = await tempDir()
    const asked: string[] = []
    const other = createServer((incoming, response) => {
      asked.push(`${incoming.method} ${incoming.url}`)
      response.end('{"ready":true,"problems":[]}')
    }).listen(0)
    await once(other, 'listening')
    const { port } = other.address() as AddressInfo
    const env = { PATH: process.env.PATH, KONTROL_DATA: dir.path, KONTROL_PORT: String(port) }
    const child = spawn(process.execPath, [MAIN, 'demo'], { env, stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += String(chunk)))

    expect(await once(child, 'exit')).toEqual([75, null])

    expect(output).toContain(`Port ${port} is taken`)
    expect(output).toContain('KONTROL_PORT')
    expect(asked).toEqual([])
    expect(leftOvers(dir.path)).toBe('')
    other.close()
  })

  it.each([
    ['HTTP', 'http.cfg.j2', 80],
    ['ZooKeeper', 'zookeeper.cfg.j2', 2181]
  ] as const)("serves by the original README's %s template as it is", async (_name, file, port) => {
    await using dir = await tempDir()
    const annotations = JSON.stringify({ 'haproxy.unity3d.com/config': readSample(file) })

    const demo = await startDemo(dir.path, { KONTROL_ANNOTATIONS: annotations })

    await eventually(async () => expect(await answers(port)).toEqual(allThree))
    expect(await demo.interrupt()).toBe(0)
    expect(leftOvers(dir.path)).toBe('')
  })
})
