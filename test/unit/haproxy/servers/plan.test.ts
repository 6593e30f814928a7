import { describe, expect, it } from 'vitest'
import { ConfigReader } from '../../../../src/haproxy/config/model.ts'
import { planChange, type Plan } from '../../../../src/haproxy/servers/plan.ts'
import { operationsOf } from '../../../../src/haproxy/servers/commands.ts'
import { ServerTable } from '../../../../src/haproxy/servers/server-table.ts'

const reader = new ConfigReader()

async function plan(running: string, wanted: string): Promise<Plan> {
  const model = await reader.read(running)
  return planChange({ model, table: await ServerTable.of(model) }, await reader.read(wanted))
}

/** What HAProxy is told, or why it is to be reloaded. */
async function changes(running: string, wanted: string): Promise<string[]> {
  const model = await reader.read(running)
  const table = await ServerTable.of(model)
  const wantedImage = await reader.read(wanted)
  const result = planChange({ model, table }, wantedImage)
  if (result.kind === 'none') return []
  if (result.kind === 'reload') return result.reasons
  return operationsOf(result.changes, table, wantedImage).flatMap(({ commands }) => commands.map(({ text }) => text))
}

describe('planChange', () => {
  const running = 'frontend web\n  bind *:80\nbackend a\n  server s 1.2.3.4:80\n'

  it.each([
    ['equal texts', running, []],
    ['other blanks and comments', `# note\n${running.replaceAll('  ', '\t')}`, []],
    ['a changed line', running.replace('*:80', '*:81'), ['frontend web changed']],
    ['a new section', `${running}backend b\n`, ['backend b is new']],
    [
      'a section that is gone',
      'frontend web\n  bind *:80\n',
      ['backend a is gone', 'frontend web changed'].slice(0, 1)
    ],
    ['another order', 'backend a\n  server s 1.2.3.4:80\nfrontend web\n  bind *:80\n', ['sections changed places']]
  ])('sees %s', async (_name, wanted, reasons) => {
    const result = await plan(running, wanted)
    expect(result.kind).toBe(reasons.length === 0 ? 'none' : 'reload')
    if (result.kind === 'reload') expect(result.reasons).toEqual(expect.arrayContaining(reasons))
  })

  it('reloads what it does not know', async () => {
    const wanted = await reader.read(running)
    expect(planChange(undefined, wanted)).toEqual({ kind: 'reload', reasons: ['what HAProxy runs is not known'] })
  })

  it('lists twenty reasons of thousands', async () => {
    const wanted = running + Array.from({ length: 3_000 }, (_, index) => `backend n${index}\n`).join('')

    const reasons = await changes(running, wanted)

    expect(reasons).toHaveLength(21)
    expect(reasons.slice(0, 1)).toEqual(['backend n0 is new'])
    expect(reasons.at(-1)).toBe('and more')
  })

  it('takes no time that grows with the square of a text in which a section stands a hundred thousand times', async () => {
    const wanted = 'backend a\n'.repeat(100_000)

    expect(await changes(wanted, `${running}${wanted}`)).toContain('frontend web is new')
  })

  it('lists every reason at once', async () => {
    const wanted = 'frontend web\n  bind *:81\nbackend a\n  cookie X\n  server s localhost:80\nbackend b\n'
    expect(await changes(running, wanted)).toEqual([
      'frontend web changed',
      'backend a changed',
      'backend b is new',
      'backend a: servers change under "cookie"',
      'backend a: server s has an address that is not a literal IP'
    ])
  })
})

const backend = (servers: string[], lines: string[] = []): string =>
  ['backend a', ...lines, ...servers.map((server) => `server ${server}`), ''].join('\n')

describe('planChange of servers', () => {
  it('adds a server with all that a server of the file has', async () => {
    const lines = ['mode http', 'balance leastconn', 'default-server inter 5s fall 1']
    const text = `defaults\n  default-server rise 7\n${backend(['one 10.0.0.1:80 check'], lines)}`

    expect(await changes(text, `${text}server two 10.0.0.2:80 check observe layer7\n`)).toEqual([
      'add server a/two 10.0.0.2:80 pool-max-conn -1 pool-purge-delay 5s inter 2s rise 2 fall 3 error-limit 10 on-error fail-check weight 1 rise 7 inter 5s fall 1 check observe layer7',
      'enable health a/two',
      'set server a/two state ready'
    ])
  })

  it('drains a server that leaves', async () => {
    expect(await changes(backend(['one 10.0.0.1:80', 'two 10.0.0.2:80']), backend(['two 10.0.0.2:80']))).toEqual([
      'set server a/one state drain'
    ])
  })

  it('puts it into maintenance where clients may be bound to it', async () => {
    const sticky = ['stick-table type ip size 1k', 'stick on src']
    expect(
      await changes(backend(['one 10.0.0.1:80', 'two 10.0.0.2:80'], sticky), backend(['two 10.0.0.2:80'], sticky))
    ).toEqual(['set server a/one state maint'])
  })

  it.each([
    ['the server', ['option prefer-last-server'], ' on-marked-down shutdown-sessions'],
    ['its default-server', ['stick on src', 'default-server on-marked-down shutdown-sessions'], '']
  ])(
    'reloads where clients may be bound to it and %s says that maintenance cuts them',
    async (_name, lines, option) => {
      const [one, two] = [`one 10.0.0.1:80 check${option}`, `two 10.0.0.2:80 check${option}`]

      expect(await changes(backend([one, two], lines), backend([two], lines))).toEqual([
        'backend a: server one leaves under "on-marked-down"'
      ])
      expect((await changes(backend([two], lines), backend([one, two], lines)))[0]).toContain('add server a/one')
      expect(await changes(backend([one, two]), backend([two]))).toEqual(['set server a/one state drain'])
    }
  )

  it('leaves the others alone when their names shift', async () => {
    const running = backend(['web-1 10.0.0.1:80', 'web-2 10.0.0.2:80', 'web-3 10.0.0.3:80'])
    const wanted = backend(['web-1 10.0.0.2:80', 'web-2 10.0.0.3:80'])

    expect(await changes(running, wanted)).toEqual(['set server a/web-1 state drain'])
    expect(await changes(running, backend(['web-2 10.0.0.1:80', 'web-1 10.0.0.2:80', 'web-3 10.0.0.3:80']))).toEqual([])
  })

  it('gives a new server a name of its own when HAProxy has the wanted one already', async () => {
    const running = backend(['web-1 10.0.0.1:80'])
    expect((await changes(running, backend(['web-1 10.0.0.2:80', 'web-2 10.0.0.1:80'])))[0]).toMatch(
      /^add server a\/web-1:2 /
    )
  })

  it('adds before it removes', async () => {
    expect(
      (await changes(backend(['one 10.0.0.1:80']), backend(['two 10.0.0.2:80']))).map((text) => text.slice(0, 10))
    ).toEqual(['add server', 'set server', 'set server'])
  })

  it('knows IPv6 with and without brackets', async () => {
    expect((await changes(backend([]), backend(['six 2001:db8::5:80'])))[0]).toContain('a/six [2001:db8::5]:80 ')
    expect((await changes(backend([]), backend(['six [2001:db8::5]:80'])))[0]).toContain('a/six [2001:db8::5]:80 ')
  })

  it('keeps two equal servers as two', async () => {
    expect(await changes(backend(['a 10.0.0.1:80', 'b 10.0.0.1:80']), backend(['a 10.0.0.1:80']))).toEqual([
      'set server a/b state drain'
    ])
  })

  it.each([
    ['a cookie', ['cookie SRV insert'], 'one 10.0.0.1:80', 'servers change under "cookie"'],
    ['use-server', ['use-server %[hdr(x)]'], 'one 10.0.0.1:80', 'servers change under "use-server"'],
    ['forced persistence', ['stick on src', 'force-persist if TRUE'], 'one 10.0.0.1:80', 'under "force-persist"'],
    ['persistence to what is down', ['option persist'], 'one 10.0.0.1:80', 'under "option persist"'],
    ['a server template', ['server-template s 3 x:80'], 'one 10.0.0.1:80', 'servers change under "server-template"'],
    ['a static algorithm', ['balance static-rr'], 'one 10.0.0.1:80', 'servers change under "balance static-rr"'],
    ['a map-based hash', ['balance source'], 'one 10.0.0.1:80', 'servers change under "balance source"'],
    ['a variable', ['"$LINE" x'], 'one 10.0.0.1:80', 'servers change under "$LINE"'],
    ['a default that is not known', ['default-server resolvers d'], 'one 10.0.0.1:80', 'the option "resolvers"'],
    ['a host name', [], 'one localhost:80', 'server one has an address that is not a literal IP'],
    ['no port', [], 'one 10.0.0.1', 'server one has an address that is not a literal IP'],
    ['an option that is not known', [], 'one 10.0.0.1:80 shard 1', 'server one has the option "shard"'],
    ['a variable of the environment', [], 'one "10.0.0.1:$PORT"', 'server one has'],
    ['a value with a blank', [], 'one 10.0.0.1:80 sni str(a\\ b)', 'server one has a quoted word'],
    ['a tracked server', [], 'one 10.0.0.1:80 track b/x', '"track" names servers'],
    ['a condition', ['.if defined(X)', 'default-server weight 9', '.endif'], 'one 10.0.0.1:80', 'under ".if"'],
    [
      'a ring that may have one more',
      ['balance random', '.if defined(X)', 'server x 10.0.0.9:80', '.endif'],
      'one 10.0.0.1:80',
      'under ".if"'
    ],
    [
      'a section that may not begin',
      ['.if defined(X)', 'listen b', '.endif', 'balance leastconn'],
      'one 10.0.0.1:80',
      'a section within ".if"'
    ],
    [
      'defaults that may be meant',
      ['.if defined(X)', 'defaults', '.endif', 'backend b'],
      'one 10.0.0.1:80',
      'a section within ".if"'
    ],
    [
      'an expression',
      ['http-request deny if { srv_is_up(b/x) }'],
      'one 10.0.0.1:80',
      'an expression that names servers'
    ],
    ['a log backend', ['mode log'], 'one 10.0.0.1:80', 'servers change under "mode log"']
  ])('reloads under %s', async (_name, lines, server, words) => {
    const reasons = await changes(backend(['old 10.9.9.9:80'], lines), backend(['old 10.9.9.9:80', server], lines))
    expect(reasons.join('\n')).toContain(words)
    expect(reasons.join('\n')).not.toContain('add server')
  })

  it('adds beside a server that may be there, and never under its name', async () => {
    const lines = ['.if defined(X)', 'server x 10.0.0.9:80', '.endif']
    const running = backend(['one 10.0.0.1:80'], lines)

    expect((await changes(running, `${running}server two 10.0.0.2:80\n`))[0]).toContain('add server a/two 10.0.0.2:80 ')
    expect(await changes(running, `${running}server x 10.0.0.2:80\n`)).toEqual(['backend a: two servers are called x'])
    expect(await changes(running, running.replace('10.0.0.9', '10.0.0.8'))).toEqual(['backend a changed'])
    const within = backend([], ['.if defined(X)', 'server x 10.0.0.9:80', 'server one 10.0.0.1:80', '.endif'])
    expect(await changes(running, within)).toContain('backend a changed')
  })

  it.each([
    ['beside one that comes', ['p 10.0.0.1:80', 'p 10.0.0.2:80', 'new 10.0.0.3:80']],
    ['though none comes or goes', ['p 10.0.0.1:80', 'p 10.0.0.2:80']],
    ['before the one that has it', ['q 10.0.0.1:80', 'q 10.0.0.2:80']],
    ['as another takes a place', ['p 10.0.0.2:80', 'p 10.0.0.3:80']]
  ])('reloads, which HAProxy refuses, where a server is called like another, %s', async (_when, servers) => {
    const running = backend(['p 10.0.0.1:80', 'q 10.0.0.2:80'])

    expect(await changes(running, backend(servers))).toContainEqual(
      expect.stringMatching(/^backend a: two servers are called [pq]$/)
    )
  })

  it('finds a name that stands twice under other settings of the same backend', async () => {
    const running = `${backend(['p 10.0.0.1:80'])}default-server check\nserver q 10.0.0.2:80\n`

    expect(await changes(running, running.replace('q 10', 'p 10'))).toContain('backend a: two servers are called p')
  })

  it('adds beside a section that may be there', async () => {
    const extra = '.if defined(X)\nlisten b\n  server x 10.0.0.9:80\n.endif\n'
    const running = `${extra}${backend(['one 10.0.0.1:80'])}`

    expect((await changes(running, `${running}server two 10.0.0.2:80\n`))[0]).toContain('add server a/two 10.0.0.2:80 ')
  })

  it('goes by the servers that "use-server" names, and by no other', async () => {
    const lines = ['use-server one if TRUE']
    const [one, two, three] = ['one 10.0.0.1:80', 'two 10.0.0.2:80', 'three 10.0.0.3:80']
    const changed = ['backend a: server one, which "use-server" names, changes']

    expect(await changes(backend([one, two], lines), backend([one, three], lines))).toHaveLength(3)
    expect(await changes(backend([one, two], lines), backend([two, one], lines))).toEqual([])
    expect(await changes(backend([one, two], lines), backend(['one 10.0.0.2:80', 'two 10.0.0.1:80'], lines))).toEqual(
      changed
    )
    expect(await changes(backend([one, two], lines), backend(['one 10.0.0.2:80'], lines))).toEqual(changed)
    expect(await changes(backend([two], lines), backend([one, two], lines))).toEqual(changed)
    const twins = backend([one, 'two 10.0.0.1:80'], lines)
    expect(await changes(twins, backend([one], lines))).toEqual(changed)
  })

  it('keeps the order of "balance first": what comes is the last', async () => {
    const lines = ['balance first']
    const [one, two, three] = ['one 10.0.0.1:80', 'two 10.0.0.2:80', 'three 10.0.0.3:80']
    const moved = ['backend a: servers change places under "balance first"']

    expect((await changes(backend([one, two], lines), backend([one, two, three], lines)))[0]).toMatch(/three .* id 5$/)
    expect(await changes(backend([one, two, three], lines), backend([one, three], lines))).toEqual([
      'set server a/two state drain'
    ])
    expect(await changes(backend([one, three], lines), backend([one, two, three], lines))).toEqual(moved)
    expect(await changes(backend([one, two], lines), backend([two, one], lines))).toEqual(moved)
    const [ninth, third] = ['one 10.0.0.1:80 id 9', 'three 10.0.0.3:80 id 3']
    expect((await changes(backend([ninth], lines), backend([ninth, third], lines)))[0]).toMatch(/three .* id 3$/)
    expect(await changes(backend([ninth], lines), backend([ninth, three], lines))).toEqual(moved)
  })

  it('gives cookies that are made of addresses, and takes clients from a server that leaves', async () => {
    const lines = ['cookie SRV insert dynamic', 'dynamic-cookie-key secret']

    expect((await changes(backend(['one 10.0.0.1:80'], lines), backend(['two 10.0.0.2:80'], lines))).slice(1)).toEqual([
      'enable dynamic-cookie backend a',
      'set server a/two state ready',
      'set server a/one state maint'
    ])
  })

  it('takes a consistent hash', async () => {
    const lines = ['balance uri', 'hash-type consistent']
    expect((await changes(backend([], lines), backend(['one 10.0.0.1:80'], lines)))[0]).toContain('add server a/one')
  })

  it('counts on at every server of a ring, as HAProxy does', async () => {
    const lines = ['balance uri', 'hash-type consistent']
    const servers = ['a 10.0.0.1:80 id 130', 'b 10.0.0.2:80 id 5']
    const numbers = await changes(
      backend([], lines),
      backend([...servers, 'c 10.0.0.3:80', 'd 10.0.0.4:80', 'e 10.0.0.5:80'], lines)
    )
    expect(numbers.flatMap((text) => / id \d+$/.exec(text) ?? [])).toEqual([
      ' id 130',
      ' id 5',
      ' id 3',
      ' id 4',
      ' id 6'
    ])
  })

  it('follows "defaults", by order and by name', async () => {
    const text = (servers: string) =>
      `defaults d\n  balance static-rr\ndefaults\n  balance leastconn\nbackend a\n${servers}backend b from d\n${servers}`
    expect(await changes(text(''), text('  server one 10.0.0.1:80\n'))).toEqual([
      'backend b: servers change under "balance static-rr"'
    ])
  })

  it('does not take the servers of a peers section for its own', async () => {
    const text = (port: number) => `peers p\n  bind :1\n  server me 10.0.0.1:${port}\n`
    expect(await changes(text(1), text(2))).toEqual(['peers p changed'])
  })

  it('reloads for a change of thousands', async () => {
    const servers = Array.from({ length: 2_001 }, (_, index) => `s${index} 10.0.${index >> 8}.${index & 255}:80`)
    expect(await changes(backend([]), backend(servers))).toEqual(['2001 servers change at once'])
  })
})
