import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFailed } from 'vitest'
import { detectVersion, featuresOf } from '../../../../src/haproxy/process/version.ts'
import { exchange } from '../../../../src/haproxy/socket/exchange.ts'
import type { Probe } from '../../../oracle/client.ts'
import { startOracle, type Oracle, type Verdict } from '../../../oracle/run.ts'

/** One text after the other is asked for; each is held against a HAProxy that was started on it. */
interface Case {
  name: string
  /** `@P` is the port of the frontend, `@A` its address, `@1` … pods. */
  texts: string[]
  paths?: string[]
  /** How the last one is reached. */
  outcome: Verdict['outcome']
}

const DEFAULTS = `defaults
  mode http
  timeout connect 2s
  timeout client 20s
  timeout server 20s
`
const frontend = (...lines: string[]): string =>
  ['frontend f', 'bind @A:@P', ...lines, 'default_backend web', ''].join('\n  ').trimEnd()

/** A backend whose servers are numbered, as a template does. */
const web = (lines: readonly string[], servers: readonly string[]): string =>
  ['\nbackend web', ...lines, ...servers.map((server, index) => `server w${index + 1} ${server}`)].join('\n  ')

const text = (lines: readonly string[], servers: readonly string[], rules: readonly string[] = []): string =>
  `${DEFAULTS}${frontend(...rules)}${web(lines, servers)}\n`

const joining = (lines: readonly string[], options = ''): string[] =>
  [0, 1, 2, 3].map((count) =>
    text(
      lines,
      ['@1', '@2', '@3'].slice(0, count).map((pod) => `${pod} ${options}`)
    )
  )

const RING = ['uri', 'hdr(x-user)', 'url_param user', 'hash path']
const HTTP_CHECK = ['default-server inter 600 fastinter 100 downinter 100', 'option httpchk GET /health']

const features = featuresOf(await detectVersion('haproxy'))

const CASES: Case[] = [
  {
    name: 'pods join an empty "balance random" one after another',
    texts: joining(['balance random']),
    outcome: 'applied'
  },
  ...RING.map((key) => ({
    name: `pods join a ring of ${key}`,
    texts: joining([`balance ${key}`, 'hash-type consistent']),
    outcome: 'applied' as const
  })),
  ...RING.map((key) => ({
    name: `the first pod leaves a ring of ${key}`,
    texts: [
      ['@1', '@2', '@3'],
      ['@2', '@3']
    ].map((pods) => text([`balance ${key}`, 'hash-type consistent'], pods)),
    outcome: 'reload' as const
  })),
  ...['check ssl verify none', 'check send-proxy', 'check send-proxy-v2', 'check send-proxy-v2-ssl'].map((options) => ({
    name: `a pod joins with "${options}"`,
    texts: joining(HTTP_CHECK, options),
    outcome: 'applied' as const
  })),
  {
    name: 'a pod joins that inherits its transport',
    texts: joining([...HTTP_CHECK, 'default-server ssl verify none send-proxy-v2'], 'check'),
    outcome: 'applied'
  },
  {
    name: 'a pod joins that is checked elsewhere',
    texts: joining(HTTP_CHECK, 'check ssl verify none port @Q'),
    outcome: 'applied'
  },
  {
    name: 'a dot of a regular expression is escaped',
    texts: ['^/a.b$', '^/a\\.b$'].map((path) =>
      text([], ['@1'], [`acl admin path_reg ${path}`, 'http-request deny if admin'])
    ),
    paths: ['/aXb', '/a.b'],
    outcome: 'reload'
  },
  {
    name: 'a variable gets other quotes',
    texts: ['"$PFX"', "'$PFX'"].map(
      (path) => `global\n  setenv PFX /a\n${text([], ['@1'], [`http-request deny if { path_beg ${path} }`])}`
    ),
    paths: ['/a'],
    outcome: 'reload'
  },
  {
    name: 'the leader of "use-server" moves',
    texts: [
      ['primary @1', 'replica2 @2'],
      ['replica1 @1', 'primary @2']
    ].map((servers) =>
      [
        `${DEFAULTS}${frontend()}\nbackend web`,
        'use-server primary if { path_beg /write }',
        ...servers.map((server) => `server ${server}`),
        ''
      ].join('\n  ')
    ),
    paths: ['/write'],
    outcome: 'reload'
  },
  {
    name: 'two servers of "balance first" change places',
    texts: [
      ['@1', '@2'],
      ['@2', '@1']
    ].map((pods) => text(['balance first'], pods)),
    outcome: 'reload'
  },
  {
    name: 'a pod without a number joins a ring of pods that have one',
    texts: [
      ['@1 id 130', '@2 id 5'],
      ['@1 id 130', '@2 id 5', '@3'],
      ['@1 id 130', '@2 id 5', '@3', '@4', '@5'],
      ['@1 id 130', '@3', '@4', '@5', '@6 id 9']
    ].map((pods) => text(['balance source', 'hash-type consistent'], pods)),
    outcome: 'reload'
  },
  {
    name: 'pods of "balance first" come behind the others, and the first ones leave',
    texts: [['@1', '@2'], ['@1', '@2', '@3'], ['@2', '@3'], ['@2', '@3', '@1'], ['@3', '@1'], ['@1']].map((pods) =>
      text(['balance first'], pods)
    ),
    outcome: 'applied'
  },
  {
    name: 'a pod of "balance first" comes before the others',
    texts: [
      ['@1', '@2'],
      ['@3', '@1', '@2']
    ].map((pods) => text(['balance first'], pods)),
    outcome: 'reload'
  },
  {
    name: 'replicas come and go beside the leader of "use-server"',
    texts: [['@2', '@3'], ['@2', '@3', '@4'], ['@3', '@4'], []].map((replicas) =>
      [
        `${DEFAULTS}${frontend()}\nbackend web`,
        'use-server primary if { path_beg /write }',
        'server primary @1',
        ...replicas.map((pod, index) => `server replica${index} ${pod}`),
        ''
      ].join('\n  ')
    ),
    paths: ['/write'],
    outcome: 'applied'
  },
  ...['.if defined(CANARY)', '.if !defined(CANARY)'].map((condition) => ({
    name: `pods come and go beside a canary within "${condition}"`,
    texts: [['@1'], ['@1', '@3'], ['@3']].map(
      (pods) => `${text([], pods)}${condition}\n  server canary @2\n.else\n  server other @4\n.endif\n`
    ),
    outcome: 'applied' as const
  })),
  ...['.if defined(EXTRA)', '.if !defined(EXTRA)'].map((condition) => ({
    name: `pods come and go beside a listener within "${condition}"`,
    texts: [['@1'], ['@1', '@3'], ['@3']].map(
      (pods) => `${text([], pods)}${condition}\nlisten extra\n  mode http\n  bind @A:@R\n  server x @2\n.endif\n`
    ),
    outcome: 'applied' as const
  })),
  {
    name: 'what a server tracks gets a dead address',
    texts: ['@1', '@D'].map((pod) =>
      [
        `${DEFAULTS}${frontend()}\nbackend web\n  server t1 @2 track other/x\nbackend other`,
        `default-server inter 600 fastinter 100 downinter 100 fall 1`,
        `server x ${pod} check`,
        ''
      ].join('\n  ')
    ),
    outcome: 'reload'
  },
  {
    name: 'a server moves out of a condition',
    texts: [
      ['.if defined(CANARY)', '  server canary @2', '.endif'],
      ['.if defined(CANARY)', '.endif', '  server canary @2']
    ].map((lines) => `${text([], ['@1'])}${lines.join('\n')}\n`),
    outcome: 'reload'
  },
  {
    name: 'a condition before the first section turns',
    texts: ['.if defined(CANARY)', '.if !defined(CANARY)'].map(
      (condition) =>
        `${condition}\nfrontend early\n  mode http\n  bind @A:@R\n  http-request return status 200\n.endif\n${text([], ['@1'])}`
    ),
    outcome: 'reload'
  },
  {
    name: 'an option with a blank that is none',
    texts: [text([], ['@1 weight 3']), text([], ['@1 weight\u00a03'])],
    outcome: 'refused'
  },
  {
    name: 'a comment behind the servers, and a pod joins',
    texts: [1, 2].map((count) =>
      text(
        [],
        ['@1', '@2'].slice(0, count).map((pod) => `${pod} check # from pods, "it's"`)
      )
    ),
    outcome: 'applied'
  },
  {
    name: 'a dead check port becomes the port of the traffic, with another time-out',
    texts: [
      text(['default-server inter 600 fastinter 100 downinter 100 fall 1', 'timeout server 10s'], ['@1 check port 1']),
      text(['default-server inter 600 fastinter 100 downinter 100 fall 1', 'timeout server 11s'], ['@1 check'])
    ],
    outcome: 'reload'
  },
  {
    name: 'a DOWN server begins to speak TLS in an edit that reloads',
    texts: [
      text(
        ['default-server inter 600 fastinter 100 downinter 100 fall 1', 'timeout server 10s'],
        ['@D check', '@S check']
      ),
      text(
        ['default-server inter 600 fastinter 100 downinter 100 fall 1', 'timeout server 11s'],
        ['@D check ssl verify none', '@S check ssl verify none']
      )
    ],
    outcome: 'reload'
  },
  {
    name: "an operator's own peers",
    texts: [
      text([], ['@1']),
      `global\n  localpeer lb1\npeers mine\n  peer lb1 @A:@R\n  peer lb2 @A:1\n${text(
        ['stick-table type ip size 1k expire 1m peers mine', 'http-request track-sc0 src'],
        ['@1']
      )}`
    ],
    outcome: 'reload'
  },
  ...["'pods$PFX.test'", '"pods\\$PFX.test"', "'pods.test'"].map((name) => ({
    name: `a pod joins whose options have a literal "$" or quotes: ${name}`,
    texts: [1, 2].map(
      (count) =>
        `global\n  setenv PFX /a\n${text(
          HTTP_CHECK,
          ['@1', '@2'].slice(0, count).map((pod) => `${pod} check ssl verify none check-sni ${name}`)
        )}`
    ),
    outcome: 'reload' as const
  })),
  {
    name: 'old workers answer for a while longer, as "grace" says, and pods join',
    texts: ['10s', '11s', '11s'].map(
      (timeout, index) =>
        `global\n  grace 2s\n${text([`timeout server ${timeout}`], ['@1', '@2', '@3'].slice(0, 1 + index))}`
    ),
    outcome: 'applied'
  },
  {
    name: 'warnings are errors, as "zero-warning" says, and a pod joins',
    texts: [1, 2].map((count) => `global\n  zero-warning\n${text([], ['@1', '@2'].slice(0, count))}`),
    outcome: 'applied'
  },
  {
    name: 'warnings are errors, and the text has one',
    texts: [
      text([], ['@1']),
      `global\n  zero-warning\n${text(['option httplog'], ['@1'], ['http-request deny if { path /x }', 'redirect location /z if { path /y }', 'http-request deny if { path /w }'])}`
    ],
    outcome: 'refused'
  },
  {
    name: 'a program',
    texts: [`${text([], ['@1'])}program echo\n  command /bin/sleep 1000\n`],
    outcome: features.takesPrograms ? 'reload' : 'refused'
  }
]

describe('What HAProxy serves is what the text says', () => {
  let oracle: Oracle
  beforeAll(async () => (oracle = await startOracle()))
  afterAll(async () => await oracle[Symbol.asyncDispose]())

  /** With the ports and addresses of this run. */
  function placed(template: string): string {
    const { prefix, bindPort, podPort } = oracle.place
    return template
      .replaceAll('@A', `${prefix}1.1`)
      .replaceAll('@P', String(bindPort))
      .replaceAll('@Q', String(podPort))
      .replaceAll('@R', String(bindPort + 3))
      .replaceAll('@D', `${prefix}2.8:1`)
      .replaceAll('@S', `${prefix}2.201:${podPort}`)
      .replaceAll(/@(\d)/g, `${prefix}2.$1:${podPort}`)
  }

  function probes(paths: readonly string[]): Probe[] {
    const { prefix, bindPort } = oracle.place
    const to = { host: `${prefix}1.1`, port: bindPort }
    const keyed = Array.from({ length: 24 }, (_, index) => ({
      ...{ ...to, path: `/k${index}?user=u${index}`, headers: { 'x-user': `u${index}` }, from: `127.251.${index}.7` }
    }))
    return [...paths.map((path) => ({ ...to, path, sure: true })), ...keyed, { ...to, port: bindPort + 3, path: '/' }]
  }

  it.each(CASES)('when $name', async ({ texts, paths = [], outcome }) => {
    const told = oracle.haproxy.lines.length
    onTestFailed(() => console.log(oracle.haproxy.lines.slice(told)))
    const verdicts: Verdict[] = []
    for (const template of texts) verdicts.push(await oracle.compare(placed(template), probes(paths)))

    expect(verdicts.map(({ differences }) => differences)).toEqual(texts.map(() => []))
    expect(verdicts.at(-1), verdicts.at(-1)?.reasons.join('; ')).toMatchObject({ outcome })
  })

  it('keeps a server out that was taken out by hand, and one that is down, when a stranger is found among them', async () => {
    const { haproxy, place } = oracle
    const socket = join(haproxy.dataFolder, 'haproxy/admin.sock')
    const pods = ['@1 check', '@D check', '@3 check', '@4 check']
    const lines = ['default-server inter 600 fastinter 100 downinter 100 fall 1']
    await oracle.compare(placed(text(lines, pods.slice(0, 3))), [])
    await exchange(socket, 'set server web/w1 state maint')
    await exchange(socket, `add server web/manual ${place.prefix}2.9:${place.podPort}`)

    await haproxy.driver.configure(placed(text(lines, pods)))
    const healed = async (): Promise<string> => {
      const rows = (await exchange(socket, 'show stat')).split('\n').map((line) => line.split(','))
      return rows
        .filter(([proxy, name]) => (proxy === 'web' && name?.startsWith('w') === true) || name === 'manual')
        .map((cells) => `${cells[1]} ${cells[17]}`)
        .join(', ')
    }
    await expect.poll(healed, { timeout: 10_000 }).toBe('w1 MAINT, w2 DOWN, w3 UP, w4 UP')
    await exchange(socket, 'set server web/w1 state ready')
  })

  it('keeps clients at their pod by cookies made of addresses, and leads those of a pod that leaves elsewhere', async () => {
    const { haproxy, place } = oracle
    const url = `http://${place.prefix}1.1:${place.bindPort}/`
    const ask = async (cookie = ''): Promise<{ pod: string; cookie: string | undefined }> => {
      const response = await fetch(url, { headers: { cookie, connection: 'close', 'x-probe': '1' } })
      const { pod } = (await response.json()) as { pod: string }
      return { pod, cookie: /^SRV=[^;]+/.exec(response.headers.get('set-cookie') ?? '')?.[0] }
    }
    const lines = ['cookie SRV insert indirect nocache dynamic', 'dynamic-cookie-key secret']
    const cookiesOf = async (count: number): Promise<Map<string, string | undefined>> => {
      const answers: Awaited<ReturnType<typeof ask>>[] = []
      for (let asked = 0; asked < 2 * count; asked++) answers.push(await ask())
      return new Map(answers.map(({ pod, cookie }) => [pod, cookie]))
    }
    await oracle.compare(placed(text(lines, ['@1', '@2'])), probes([]))

    const joined = await oracle.compare(placed(text(lines, ['@1', '@2', '@3'])), probes([]))
    const cookies = await cookiesOf(3)
    const [one = '', , three = ''] = [1, 2, 3].map((pod) => cookies.get(`${place.prefix}2.${pod}`))

    expect(joined).toMatchObject({ outcome: 'applied', differences: [] })
    expect(cookies.size).toBe(3)
    for (const [pod, cookie] of cookies) {
      expect(cookie).toMatch(/^SRV=[\da-f]{16}$/)
      for (let times = 0; times < 4; times++) expect(await ask(cookie)).toEqual({ pod, cookie: undefined })
    }

    const left = await oracle.compare(placed(text(lines, ['@2', '@3'])), probes([]))
    expect(left).toMatchObject({ outcome: 'applied', differences: [] })
    for (let times = 0; times < 4; times++) expect(await ask(one)).not.toMatchObject({ pod: `${place.prefix}2.1` })
    expect((await ask(three)).pod).toBe(`${place.prefix}2.3`)

    // A pod elsewhere may get the place of the one that left, and has a cookie of its own.
    const back = await oracle.compare(placed(text(lines, ['@2', '@3', '@4'])), probes([]))
    expect(back).toMatchObject({ outcome: 'applied', differences: [] })
    const four = (await cookiesOf(3)).get(`${place.prefix}2.4`)
    expect(four).toMatch(/^SRV=[\da-f]{16}$/)
    expect([one, three]).not.toContain(four)
    for (let times = 0; times < 4; times++) expect((await ask(four)).pod).toBe(`${place.prefix}2.4`)

    await haproxy.driver.configure(placed(text(lines.with(1, 'dynamic-cookie-key other'), ['@2', '@3', '@4'])))
    await haproxy.driver.restart()
    expect((await cookiesOf(3)).get(`${place.prefix}2.4`)).not.toBe(four)
  })

  it('goes on with what it runs when a text has no listener any more', async () => {
    const { haproxy } = oracle
    await oracle.compare(placed(text([], ['@1'])), [])
    for (const emptied of ['', '# being written\n', DEFAULTS]) {
      await expect(haproxy.driver.configure(emptied)).rejects.toMatchObject({ code: 'KTL_HAPROXY_NO_LISTENER' })
    }
    expect(haproxy.driver.problems()).toMatchObject([{ code: 'KTL_HAPROXY_NO_LISTENER' }])

    const { differences } = await oracle.compare(placed(text([], ['@1', '@2'])), probes([]))

    expect(differences).toEqual([])
    expect(haproxy.driver.problems()).toEqual([])
  })
})
