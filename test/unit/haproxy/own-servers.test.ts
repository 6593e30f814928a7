import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { OwnServers, type OwnServer } from '../../../src/haproxy/config/own-servers.ts'

const isOwn = (address: string): boolean => ['127.0.0.1', '::1', '10.0.0.9', '2001:db8::9'].includes(address)
const ownServers = async (text: string): Promise<OwnServer[]> => await new OwnServers(8000).of(text, isOwn)
const sorted = (servers: readonly OwnServer[]): string[] => servers.map((server) => JSON.stringify(server)).sort()
const found = async (binds: string[], servers: string[]): Promise<string[]> => {
  const own = await ownServers(
    [
      'frontend all',
      ...binds.map((bind) => `  bind ${bind}`),
      '  default_backend web',
      'backend web',
      ...servers.map((server, index) => `  server s${index} ${server}`)
    ].join('\n')
  )
  return own.map(({ address }) => address)
}

describe('the servers by which HAProxy would connect to itself', () => {
  it.each([
    ['*:80', '10.0.0.9:80 check'],
    [':80', '10.0.0.9:80'],
    ['0.0.0.0:80 tfo', '127.0.0.1:80'],
    [':::80 v4v6', '10.0.0.9:80'],
    ['[::]:80', '[2001:DB8:0::9]:80'],
    ['ipv4@:80', 'ipv4@10.0.0.9:80'],
    ['ipv6@:80', '::ffff:10.0.0.9:80'],
    ['10.0.0.9:80', '10.0.0.9:80'],
    ['192.0.2.1:80', '192.0.2.1:80'],
    [':443,:8000-8010 ssl', '10.0.0.9:8005'],
    ['"*:80"', '10.0.0.9:80'],
    [':80', '10.0.0.9'],
    [':80', '10.0.0.9:+0'],
    [':80,:180', '10.0.0.9:+100'],
    ['"${OWN}:80"', '10.0.0.9:80'],
    // As HAProxy reads them.
    [':80', '10.0.0.9:80x'],
    [':80', '10.0.0.9:080'],
    [':80', '"10.0.0.9:80"'],
    [':80', "10.0.0.9':80'"],
    [':80', 'stream+ipv4@10.0.0.9:80'],
    [':80', '[::1]'],
    [':80', '[::1]:'],
    [':80', '2001:db8::0009:80'],
    [':80', '127.1:80'],
    [':80', '0x7f000001:80'],
    [':80', '2130706433:80'],
    [':80', 'LocalHost:80'],
    [':80', '*:80'],
    ['10.0.0.7:8000', ':8000'],
    [':80', '0.0.0.0:80'],
    // The control tier.
    [':80', '127.0.0.1:8000'],
    ['10.0.0.9:80', '[::1]:8000'],
    [':80', '10.0.0.9:+7920']
  ])('with "bind %s" are "server %s"', async (bind, server) => {
    expect(await found([bind], [server, '10.0.0.1:80'])).toHaveLength(1)
  })

  it.each([
    ['*:80', '10.0.0.9:81'],
    ['*:80', '10.0.0.1:80'],
    ['*:80', '10.0.0.1:8000'],
    ['10.0.0.1:80', '10.0.0.9'],
    ['127.0.0.1:80', '10.0.0.9:80'],
    ['10.0.0.9:80', '127.0.0.1:80'],
    ['unix@/run/s', '10.0.0.9:80'],
    ['/run/s.sock', '10.0.0.9:80'],
    ['abns@name', '10.0.0.9'],
    ['quic4@:443', '10.0.0.9:443'],
    [':80', '10.0.0.9:+1'],
    [':80', 'own.example:80'],
    [':80', 'unix@/run/s'],
    [':"$PORT"', '10.0.0.9:80']
  ])('with "bind %s" are none for "server %s"', async (bind, server) => {
    expect(await found([bind], [server])).toEqual([])
  })

  it('are named as often as they are there, in one spelling, and none without a bind', async () => {
    const spelled = ['::ffff:10.0.0.9:80', '10.0.0.9:80', '[2001:DB8::9]:80']
    expect((await found([':80'], spelled)).sort()).toEqual(['10.0.0.9', '10.0.0.9', '2001:db8::9'])
    const template = 'frontend f\n bind :80\nbackend b\n server-template s 1-3 10.0.0.9:80 check'
    expect(await ownServers(template)).toEqual([{ target: '10.0.0.9:80', address: '10.0.0.9' }])
    expect(await found([], ['10.0.0.9:80'])).toEqual([])
    expect(await ownServers('frontend f\n  # bind :80\nbackend b\n  server s 10.0.0.9:80')).toEqual([])
  })

  it('are the same ones whatever text was looked at before, and whatever is our own by then', async () => {
    const line = fc.constantFrom(
      ...['frontend f', 'backend b', '', '# bind :80', '  bind :80', '  bind 10.0.0.7:8000-8010,:443'],
      ...['  server a 10.0.0.9:80', '  server b 10.0.0.7:8000', '  server c 10.0.0.1:80', '  server d 127.0.0.1:8000'],
      ...['  server e 10.0.0.9:+0', '  server-template s 1-3 10.0.0.9:443', '  server f 10.0.0.9:80\r  bind :81']
    )
    const text = fc.array(line, { maxLength: 12 }).map((lines) => lines.join('\n'))
    const own = fc.subarray(['10.0.0.9', '127.0.0.1', '10.0.0.1'])
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(text, own), { maxLength: 6 }), async (looks) => {
        const remembering = new OwnServers(8000)
        // At once: a trial of a template looks at its text while that of a change is looked at.
        await Promise.all(
          looks.map(async ([looked, addresses]) => {
            const isAmong = (address: string): boolean => addresses.includes(address)
            const [known, fresh] = [
              await remembering.of(looked, isAmong),
              await new OwnServers(8000).of(looked, isAmong)
            ]
            expect(sorted(known)).toEqual(sorted(fresh))
          })
        )
      }),
      { numRuns: 1_000 }
    )
  })

  it('are found without a look at the machine, where no server has a port at which somebody listens', async () => {
    const text = 'frontend f\n  bind :80\nbackend b\n  server a 127.0.0.2:81\n  server b 10.0.0.9:82'
    const look = (): never => expect.fail('asked for our own addresses')
    expect(await new OwnServers(8000).of(text, look)).toEqual([])
  })

  it('are looked for among thousands of ports as among one, in turns of the event loop', async () => {
    const pods = Array.from({ length: 4_000 }).keys()
    const text = Array.from(
      pods,
      (n) => `frontend f${n}\n  bind :${10_000 + n}\nbackend b${n}\n  server s 192.0.2.1:${30_000 + n}`
    )
    let turns = 0
    const clock = setInterval(() => turns++, 1)

    const own = await new OwnServers(8000).of(`${text.join('\n')}\n  server own 10.0.0.9:10042`, isOwn)
    clearInterval(clock)

    expect(own).toEqual([{ target: '10.0.0.9:10042', address: '10.0.0.9' }])
    expect(turns).toBeGreaterThan(5)
  })
})
