import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import { runSubprocess } from '../../../src/platform/process/subprocess.ts'

const samples = join(import.meta.dirname, '../../../docker/samples')

interface Pod {
  app: string
  id: string
  ip: string
  key: string
  nonce: string
  seq: number
}

/** All have one address: that of the automata, which note who was told what by the order. */
const pod = (app: string, seq: number, nonce = `n${seq}`): Pod => ({
  ...{ app, id: `${app}-${seq}`, ip: '127.0.0.1', key: `k${seq}`, nonce, seq }
})

/** Automata that do what they are told, and note it. */
async function startAutomata() {
  const told: string[] = []
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      const { cmd } = JSON.parse(body) as { cmd: string }
      told.push(/^echo (.*) \| socat -t 60 - \/tmp\/sock$/.exec(cmd)?.[1] ?? cmd)
      response.end(`${request.method} ${request.url}` === 'PUT /script' ? 'OK' : '')
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    /** What was told since the last time. */
    told: () => told.splice(0),
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    }
  }
}

async function run(image: string, port: number, pods: readonly Pod[], state?: unknown): Promise<unknown> {
  const env = {
    PATH: process.env.PATH,
    PYTHONPATH: join(samples, 'common'),
    PYTHONDONTWRITEBYTECODE: '1',
    KONTROL_PORT: String(port),
    KONTROL_SOCKET: '/tmp/sock',
    KONTROL_LABELS: JSON.stringify({ app: image, role: 'member' }),
    PODS: JSON.stringify([...pods, pod('other', 99)]),
    STATE: JSON.stringify(state ?? {})
  }
  const { code, stdout, stderr } = await runSubprocess('/usr/bin/python3', [join(samples, image, 'callback.py')], {
    env
  })
  expect(code, stderr).toBe(0)
  return JSON.parse(stdout)
}

describe('the callback of the sample image', () => {
  it('kafka gives each broker a number that it keeps, and starts no other one for its sake', async () => {
    await using automata = await startAutomata()
    const { port, told } = automata
    const [a, b, c] = [pod('kafka', 0), pod('kafka', 1), pod('kafka', 2)]

    const three = await run('kafka', port, [a, b, c])
    expect(told()).toEqual(['WAIT start 1', 'WAIT start 2', 'WAIT start 3'])
    expect(await run('kafka', port, [a, b, c], three)).toEqual(three)
    expect(told()).toEqual([])

    const two = await run('kafka', port, [a, c], three)
    expect(told()).toEqual([])
    await run('kafka', port, [a, c, pod('kafka', 3)], two)
    expect(told()).toEqual(['WAIT start 2'])
  })

  it('redis has the first pod lead and the others follow, and the next one when it goes', async () => {
    await using automata = await startAutomata()
    const { port, told } = automata
    const [a, b, c] = [pod('redis', 0), pod('redis', 1), pod('redis', 2)]

    const three = await run('redis', port, [a, b, c])
    expect(told()).toEqual(['WAIT lead', 'WAIT follow 127.0.0.1', 'WAIT follow 127.0.0.1'])
    expect(await run('redis', port, [a, b, c], three)).toEqual(three)
    expect(told()).toEqual([])

    await run('redis', port, [b, c], three)
    expect(told()).toEqual(['WAIT lead'])
  })
})
