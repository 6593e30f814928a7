import { once } from 'node:events'
import { createServer } from 'node:net'
import { describe, expect, it } from 'vitest'
import { exchange, isRefused, isReset } from '../../../../src/haproxy/socket/exchange.ts'
import { MasterCli } from '../../../../src/haproxy/socket/master-cli.ts'
import { tempDir } from '../../../support/temp-dir.ts'

const TABLE = '#<PID> <type> <reloads> <uptime> <version>\n12 master 1 0d00h00m01s 2.6.12\n'

/** Gives these answers, one a connection, whatever it is asked, as a master does that re-executes itself. */
async function socketThatSays(...answers: readonly string[]) {
  const dir = await tempDir()
  const path = dir.file('s')
  let taken = 0
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.resume().once('end', () => socket.end(answers[taken++] ?? ''))
  }).listen(path)
  await once(server, 'listening')
  return {
    path,
    taken: () => taken,
    async [Symbol.asyncDispose]() {
      server.close()
      await once(server, 'close')
      await dir[Symbol.asyncDispose]()
    }
  }
}

describe('An answer that is empty', () => {
  it('is a connection that was let go, and no answer', async () => {
    await using socket = await socketThatSays('')

    const error: unknown = await exchange(socket.path, 'show stat').catch((reason: unknown) => reason)

    expect(error).toMatchObject({ code: 'KTL_HAPROXY_UNREACHABLE' })
    expect([isReset(error), isRefused(error)]).toEqual([true, false])
  })

  it('is one to "reload", of which HAProxy 2.6 says nothing', async () => {
    await using socket = await socketThatSays('')

    expect(await new MasterCli(socket.path).reload(1_000)).toEqual({ outcome: 'accepted' })
  })

  it('has a master asked again that may be back in a moment, and not one that has ended', async () => {
    await using socket = await socketThatSays('', '', TABLE)
    const master = new MasterCli(socket.path)

    await expect(master.showProcessesOnceBack(() => false)).rejects.toThrow('got no answer')
    expect(await master.showProcessesOnceBack()).toMatchObject({ master: { pid: 12 } })
    expect(socket.taken()).toBe(3)
  })
})
