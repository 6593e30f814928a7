import { execFile } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { IptablesSynGuard } from '../../../src/haproxy/process/syn-guard.ts'
import { recordingLogger } from '../../support/test-logger.ts'

const run = promisify(execFile)

/** A network of its own, so that no rule of a test meets anybody else's packets. */
async function networkNamespace() {
  const name = `kontrol-${randomInt(1_000_000)}`
  await run('ip', ['netns', 'add', name])
  const inside = (...words: string[]) => run('ip', ['netns', 'exec', name, ...words])
  await inside('ip', 'link', 'set', 'lo', 'up')
  return {
    inside,
    command: ['ip', 'netns', 'exec', name, 'iptables'] as const,
    rules: async (): Promise<string> => (await inside('iptables', '-S')).stdout,
    /** How a connection to a port where nobody listens ends: refused, or not at all. */
    knock: async (port: number): Promise<string> => {
      const script = `const s=require('net').connect(${port},'127.0.0.1');s.on('error',e=>console.log(e.code));setTimeout(()=>{console.log('silence');s.destroy()},400).unref()`
      const { stdout } = await inside(process.execPath, '-e', `${script};setTimeout(()=>process.exit(),500)`)
      return stdout.split('\n')[0] ?? ''
    },
    [Symbol.asyncDispose]: async () => void (await run('ip', ['netns', 'del', name]))
  }
}

describe('IptablesSynGuard', () => {
  it('has new connections wait while the task runs, and only then', async () => {
    await using network = await networkNamespace()
    const { logger, lines } = recordingLogger()
    const guard = new IptablesSynGuard({ logger, command: network.command })
    const before = await network.rules()

    const seen = await guard.during([8080, 8443, 8080], async () => [
      await network.knock(8080),
      await network.knock(8081)
    ])

    expect(seen).toEqual(['silence', 'ECONNREFUSED'])
    expect(await network.knock(8080)).toBe('ECONNREFUSED')
    expect(await network.rules()).toBe(before)
    expect(lines).toEqual([])
  })

  it('lets connections through again when the task fails', async () => {
    await using network = await networkNamespace()
    const guard = new IptablesSynGuard({ logger: recordingLogger().logger, command: network.command })

    await expect(guard.during([8080], async () => await Promise.reject(new Error('no reload')))).rejects.toThrow(
      'no reload'
    )

    expect(await network.knock(8080)).toBe('ECONNREFUSED')
  })

  it('takes away what a killed control tier left', async () => {
    await using network = await networkNamespace()
    const guard = new IptablesSynGuard({ logger: recordingLogger().logger, command: network.command })
    const before = await network.rules()
    await network.inside('iptables', '-N', 'KONTROL-SYN-GUARD')
    await network.inside('iptables', '-I', 'INPUT', '-j', 'KONTROL-SYN-GUARD')

    await guard.clear()

    expect(await network.rules()).toBe(before)
  })

  it('reloads all the same where iptables is not allowed or not there, and says so', async () => {
    const { logger, lines } = recordingLogger()
    const guard = new IptablesSynGuard({ logger, command: ['/nonexistent/iptables'] })

    expect(await guard.during([8080], async () => await Promise.resolve('reloaded'))).toBe('reloaded')

    expect(lines).toMatchObject([{ msg: 'reload without syn guard' }])
  })
})
