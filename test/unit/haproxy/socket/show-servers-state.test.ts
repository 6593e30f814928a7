import { describe, expect, it } from 'vitest'
import { certificateFiles } from '../../../../src/haproxy/files/certificates.ts'
import { ConfigReader } from '../../../../src/haproxy/config/model.ts'
import { serverStateFile } from '../../../../src/haproxy/servers/server-state-file.ts'
import { parseServersState } from '../../../../src/haproxy/socket/show-servers-state.ts'
import { ServerTable } from '../../../../src/haproxy/servers/server-table.ts'
import { driftOf } from '../../../../src/haproxy/servers/drift.ts'

/** Rows as HAProxy prints them: name, address, operational and administrative state, port. */
const rows = (...servers: [string, string, number, number, number][]): string =>
  `1\n# be_id be_name srv_id …\n${servers
    .map(
      ([name, address, up, out, port]) =>
        `3 web 1 ${name} ${address} ${up} ${out} 1 1 3 8 2 0 6 0 0 0 - ${port} - 0 0 - - 0\n`
    )
    .join('')}`

const model = async (lines: string) => await new ConfigReader().read(`backend web\n${lines}`)

describe('serverStateFile', () => {
  it('names a server that is down as the next worker does', async () => {
    const states = await parseServersState(rows(['web-2', '10.0.0.2', 0, 0, 80], ['web-1', '10.0.0.1', 2, 0, 80]))

    const file = serverStateFile(
      states,
      await model('server web-1 10.0.0.2:80 check\nserver web-2 10.0.0.1:80 check\n')
    )

    expect(file.split('\n').slice(2)).toEqual(['3 web 1 web-1 10.0.0.2 0 0 1 1 3 8 2 0 6 0 0 0 - 80 - 0 0 - - 0', ''])
  })

  it('leaves out what has another port now, and what nothing would ever check', async () => {
    const states = await parseServersState(rows(['a', '10.0.0.1', 0, 0, 80], ['b', '10.0.0.2', 0, 0, 80]))

    const file = serverStateFile(
      states,
      await model('server a 10.0.0.1:81 check\nserver b 10.0.0.2:80 check no-check\n')
    )

    expect(file.trim().split('\n')).toHaveLength(2)
  })
})

describe('driftOf', () => {
  const look = async (text: string): Promise<string | undefined> => {
    const table = await ServerTable.of(await model('server a 10.0.0.1:80\nserver six [2001:db8::1]:80\n'))
    return await driftOf(await parseServersState(text), ['web'], table, new Set())
  }

  it.each([
    ['nothing', rows(['a', '10.0.0.1', 2, 0, 80], ['six', '2001:db8::1', 2, 0, 80]), undefined],
    ['a server taken out by hand', rows(['a', '10.0.0.1', 0, 1, 80], ['six', '2001:DB8:0::1', 2, 0, 80]), undefined],
    ['another port', rows(['a', '10.0.0.1', 2, 0, 81]), 'web/a has 10.0.0.1:81 in place of 10.0.0.1:80'],
    ['a missing server', rows(['a', '10.0.0.1', 2, 0, 80]), 'web/six is gone'],
    ['a strange server', rows(['x', '10.0.0.9', 2, 0, 80]), 'web/x is there, and nobody made it']
  ])('finds %s', async (_name, text, difference) => {
    expect(await look(text)).toBe(difference)
  })
})

describe('certificateFiles', () => {
  it('lists what is loaded, and not what is about to be', async () => {
    expect(certificateFiles('# transaction\n/etc/tls/new.pem\n# filename\n/etc/tls/site.pem\n\n')).toEqual([
      '/etc/tls/site.pem'
    ])
  })
})
