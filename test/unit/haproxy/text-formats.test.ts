import { describe, expect, it } from 'vitest'
import { alertsOf } from '../../../src/haproxy/files/config-file.ts'
import { haproxyPaths } from '../../../src/haproxy/files/paths.ts'
import { parseListeners } from '../../../src/haproxy/process/listeners.ts'
import { checkText } from '../../../src/haproxy/socket/check-text.ts'
import { parseStat } from '../../../src/haproxy/socket/show-stat.ts'
import { textDiff } from '../../../src/haproxy/config/text-changes.ts'
import { parseVersion } from '../../../src/haproxy/process/version.ts'

describe('parseVersion', () => {
  it.each([
    [
      'HAProxy version 2.6.12-1+deb12u4 2026/10/17 - https://haproxy.org/\n',
      { text: '2.6.12-1+deb12u4', major: 2, minor: 6 }
    ],
    ['HA-Proxy version 2.2.9-2 2020/11/28 - https://haproxy.org/\n', { text: '2.2.9-2', major: 2, minor: 2 }],
    ['nginx version: 1.22\n', undefined]
  ])('reads %j', (output, version) => {
    expect(parseVersion(output)).toEqual(version)
  })
})

describe('parseListeners', () => {
  it('reads IPv4, any address, and IPv6', () => {
    const head = '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n'
    const tail = '0A 00000000:00000000 00:00000000 00000000     0        0'
    const rows = [
      `   0: 0100007F:1F93 00000000:0000 ${tail} 38348 1 0000000000000000 100 0 0 10 0`,
      `   1: 00000000:0050 00000000:0000 ${tail} 38349 1 0000000000000000 100 0 0 10 0`,
      `   2: 0100007F:1F93 0100007F:A0B0 01 00000000:00000000 00:00000000 00000000     0        0 38350 1`,
      `   3: B80D0120000000000000000001000000:01BB 00000000000000000000000000000000:0000 ${tail} 38351 1`,
      `   4: 00000000000000000000000000000000:01BB 00000000000000000000000000000000:0000 ${tail} 38352 1`
    ]

    expect(parseListeners(head + rows.join('\n'))).toEqual([
      { address: '127.0.0.1', port: 8083, inode: '38348' },
      { address: '0.0.0.0', port: 80, inode: '38349' },
      { address: undefined, port: 443, inode: '38351' },
      { address: '::', port: 443, inode: '38352' }
    ])
  })
})

describe('parseStat', () => {
  it('gathers both sides and the servers of a proxy', async () => {
    const csv = `# pxname,svname,scur,stot,bin,bout,status,addr,act,bck,
proxy,FRONTEND,1,9,100,200,OPEN,,,,
web,one,1,9,100,200,UP,127.0.0.2:80,1,0,
web,BACKEND,1,9,100,200,UP,,1,2,

`
    const counters = { sessions: 1, totalSessions: 9, bytesIn: 100, bytesOut: 200 }

    expect(await parseStat(csv)).toEqual([
      { name: 'proxy', frontend: { status: 'OPEN', ...counters }, backend: undefined, servers: [] },
      {
        name: 'web',
        frontend: undefined,
        backend: { status: 'UP', usableServers: 3, ...counters },
        servers: [{ name: 'one', status: 'UP', address: '127.0.0.2:80', ...counters }]
      }
    ])
  })

  it('reads a row on, whatever a pod has answered to its check', async () => {
    const csv = `# pxname,svname,status,lastchg,check_status,last_chk,addr,
web,one,DOWN,7,L7STS,"Sorry, ""we, are"" closed
web,two,UP,1,,,10.6.6.6:80,

",127.0.0.2:80,
web,three,UP,1795958000,,,127.0.0.3:80,
`
    const servers = (await parseStat(csv))[0]?.servers

    expect(servers).toEqual([
      expect.objectContaining({
        ...{ name: 'one', address: '127.0.0.2:80', stateSeconds: 7 },
        check: 'L7STS, Sorry, "we, are" closed web,two,UP,1,,,10.6.6.6:80,'
      }),
      expect.objectContaining({ name: 'three', address: '127.0.0.3:80' })
    ])
    expect(servers?.[1]).not.toHaveProperty('stateSeconds')
    expect(servers?.[1]).not.toHaveProperty('check')
  })
})

describe('checkText', () => {
  const told = (cells: Record<string, string>): string | undefined => checkText((column) => cells[column] ?? '')

  // As HAProxy 2.6.12 has them.
  it.each<[string | undefined, Record<string, string>]>([
    [undefined, { status: 'no check' }],
    [undefined, { status: 'MAINT' }],
    ['L7OK/200, Layer7 check passed', { check_status: 'L7OK', check_code: '200', check_desc: 'Layer7 check passed' }],
    [
      'L4CON, Connection refused',
      { check_status: 'L4CON', last_chk: 'Connection refused', check_desc: 'Layer4 connection problem' }
    ],
    ['L4TOUT, Layer4 timeout', { check_status: '* L4TOUT', check_desc: 'Layer4 timeout' }],
    [
      'L7TOUT, at step 2 of tcp-check (send)',
      { check_status: 'L7TOUT', last_chk: ' at step 2 of tcp-check (send)', check_desc: 'Layer7 timeout' }
    ],
    [
      'agent L7STS, down (overload, "very, much" [31m hot); L7OK/200, Layer7 check passed',
      {
        ...{ status: 'DOWN (agent)', check_status: 'L7OK', check_code: '200', check_desc: 'Layer7 check passed' },
        ...{
          agent_status: 'L7STS',
          agent_code: '0',
          last_agt: 'via agent : down (overload, "very, much" \x1b[31m hot)'
        }
      }
    ],
    ['agent CHECKED, No status change', { agent_status: '* CHECKED', agent_desc: 'No status change' }],
    ['tracks web/web-1', { status: 'DOWN', tracked: 'web/web-1' }],
    ['L7STS, a b', { check_status: 'L7STS', last_chk: 'a\u202e\n\r\u0085 b' }]
  ])('reads as %j', (text, cells) => {
    expect(told(cells)).toBe(text)
  })
})

describe('alertsOf', () => {
  it('keeps what names the mistake', () => {
    const output = `[NOTICE]   (13) : haproxy version is 2.6.12-1+deb12u4
[ALERT]    (13) : config : parsing [haproxy.cfg:6] : unknown keyword 'foo' in 'frontend' section
[ALERT]    (13) : config : Error(s) found in configuration file : haproxy.cfg
[ALERT]    (13) : config : Fatal errors found in configuration.
`

    expect(alertsOf(output)).toBe("parsing [haproxy.cfg:6] : unknown keyword 'foo' in 'frontend' section")
  })
})

describe('textDiff', () => {
  it('shows lines that went and came', async () => {
    expect(await textDiff('a\nb\nb\nc\n', 'a\nb\nd\nc\n')).toBe('-b\n+d')
  })

  it('says how long a line is that nobody would read', async () => {
    expect(await textDiff('', `${'x'.repeat(2_001)}\n`)).toBe('+… a line of 2001 characters')
  })

  it('counts what it leaves out', async () => {
    expect(await textDiff('', '1\n2\n3\n', 2)).toBe('+1\n+2\n… and 1 more lines')
  })
})

describe('haproxyPaths', () => {
  it('says so when the data folder is too deep for unix sockets', () => {
    expect(() => haproxyPaths(`/${'d'.repeat(90)}`)).toThrowError(/is too deep: .*master\.sock has 111 bytes/)
  })
})
