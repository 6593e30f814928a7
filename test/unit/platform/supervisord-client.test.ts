import { once } from 'node:events'
import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import { isFault, SupervisordClient, supervisordFaults } from '../../../src/platform/process/supervisord-client.ts'
import { tempDir } from '../../support/temp-dir.ts'

const response = (value: string) =>
  `<?xml version='1.0'?>\n<methodResponse>\n<params>\n<param>\n${value}\n</param>\n</params>\n</methodResponse>\n`

const struct = (members: Record<string, string>) => {
  const told = Object.entries(members).map(
    ([name, value]) => `<member>\n<name>${name}</name>\n<value>${value}</value>\n</member>\n`
  )
  return `<value><struct>\n${told.join('')}</struct></value>`
}

const fault = (code: number, message: string) =>
  `<?xml version='1.0'?>\n<methodResponse>\n<fault>\n` +
  struct({ faultCode: `<int>${code}</int>`, faultString: `<string>${message}</string>` }) +
  '\n</fault>\n</methodResponse>\n'

/** A server that gives the answer to whatever it is asked, and the bodies it was sent. */
async function answering(answer: string) {
  const folder = await tempDir()
  const bodies: string[] = []
  const server = createServer((request, reply) => {
    void text(request).then((body) => {
      bodies.push(body)
      reply.end(answer)
    })
  }).listen(folder.file('supervisor.sock'))
  await once(server, 'listening')
  return {
    bodies,
    client: new SupervisordClient(`unix://${folder.file('supervisor.sock')}`),
    async [Symbol.asyncDispose]() {
      server.close()
      await folder[Symbol.asyncDispose]()
    }
  }
}

describe('SupervisordClient', () => {
  it('writes the method and its parameters', async () => {
    await using supervisord = await answering(response('<value><boolean>1</boolean></value>'))

    await supervisord.client.start('a<b>&c')

    expect(supervisord.bodies).toEqual([
      '<?xml version="1.0"?><methodCall><methodName>supervisor.startProcess</methodName><params>' +
        '<param><value><string>a&lt;b&gt;&amp;c</string></value></param>' +
        '<param><value><boolean>0</boolean></value></param></params></methodCall>'
    ])
  })

  it('reads the struct that supervisord sends', async () => {
    await using supervisord = await answering(
      response(
        struct({
          name: '<string>haproxy</string>',
          statename: '<string>FATAL</string>',
          pid: '<int>4711</int>',
          spawnerr: '<string>haproxy &lt;1&gt; &#228;&#x1F600;</string>'
        })
      )
    )

    expect(await supervisord.client.info('haproxy')).toEqual({
      state: 'FATAL',
      pid: 4711,
      reason: 'haproxy <1> ä😀'
    })
  })

  it('takes an empty text for what it is', async () => {
    const members = { statename: '<string>RUNNING</string>', pid: '<int>1</int>', spawnerr: '<string></string>' }
    await using supervisord = await answering(response(struct(members)))

    expect(await supervisord.client.info('haproxy')).toEqual({ state: 'RUNNING', pid: 1, reason: '' })
  })

  it('throws a fault with its code', async () => {
    await using supervisord = await answering(fault(10, 'BAD_NAME: haproxy'))

    const error: unknown = await supervisord.client.stop('haproxy').catch((error: unknown) => error)

    expect(error).toMatchObject({
      code: 'KTL_SUPERVISOR_REFUSED',
      message: "supervisord's stopProcess(haproxy, false) was refused: BAD_NAME: haproxy"
    })
    expect(isFault(error, supervisordFaults.badName)).toBe(true)
    expect(isFault(error, supervisordFaults.notRunning)).toBe(false)
  })

  it('knows by its fault that supervisord is being stopped', async () => {
    await using supervisord = await answering(fault(6, 'SHUTDOWN_STATE'))

    expect(await supervisord.client.shuttingDown()).toBe(true)
  })

  it.each([
    '',
    'Bad Gateway',
    '<html></html>',
    response(struct({ name: '<string>haproxy</string>' })),
    response(struct({ statename: '<string>RUNNING</string>', pid: '<int>1</int>' })).slice(0, -20)
  ])('refuses "%s"', async (answer) => {
    await using supervisord = await answering(answer)

    await expect(supervisord.client.info('haproxy')).rejects.toMatchObject({ code: 'KTL_SUPERVISOR_UNREACHABLE' })
  })
})
