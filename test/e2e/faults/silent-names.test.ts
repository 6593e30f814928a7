import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { eventually } from '../../support/eventually.ts'
import { ownAddress } from '../../support/haproxy/start-haproxy.ts'
import { createService } from '../../support/service/start-service.ts'
import { tempDir } from '../../support/temp-dir.ts'

/** A name server that takes questions and never answers. */
async function startSilentDns(address: string) {
  const questions: string[] = []
  const socket = createSocket('udp4', (packet) => void questions.push(packet.toString('hex')))
  socket.bind(53, address)
  await once(socket, 'listening')
  return {
    questions,
    /** Who waits in vain asks once more by the same words. */
    askedAgain: () => new Set(questions).size < questions.length,
    async [Symbol.asyncDispose]() {
      socket.close()
      await once(socket, 'close')
    }
  }
}

describe("a slave whose master's name is looked up without an end", () => {
  it('ends when it is told to, and does not wait for the name', async () => {
    await using dir = await tempDir()
    const address = ownAddress()
    await using dns = await startSilentDns(address)
    await writeFile(dir.file('resolv.conf'), `nameserver ${address}\noptions timeout:20 attempts:2\n`)
    await using slave = await createService({
      // Its own /etc/resolv.conf, in a mount namespace that goes with it.
      prefix: [
        'unshare',
        '-m',
        'sh',
        '-c',
        `mount --bind ${dir.file('resolv.conf')} /etc/resolv.conf && exec "$@"`,
        'sh'
      ],
      env: {
        KONTROL_MODE: 'slave',
        KONTROL_LABELS: '{"app":"web","role":"backend"}',
        KONTROL_ANNOTATIONS: '{"kontrol.unity3d.com/master":"master.example:8000"}',
        KONTROL_IP: '127.0.0.11',
        KONTROL_ID: 'web-0',
        KONTROL_TTL: '1'
      }
    })
    await slave.start()
    await eventually(() => dns.questions.length > 0)

    await slave.kill('SIGTERM')

    expect(slave.child().signalCode).toBe('SIGTERM')
    expect(dns.askedAgain()).toBe(false)
  })
})
