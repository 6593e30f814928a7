import type { SeededRandom } from '../support/seeded-random.ts'
import type { Probe } from './client.ts'
import { SICK } from './pods.ts'
import type { BackendPart, Scenario, ServerPart } from './scenario.ts'

/** Where the generator's configurations live. */
export interface Place {
  /** Of the driven HAProxy, as `127.8.` */
  prefix: string
  bindPort: number
  podPort: number
  /** Certificate with its key, for `bind … ssl`. */
  certificate: string
}

const BALANCES = [
  ...['roundrobin', 'roundrobin', 'static-rr', 'leastconn', 'first', 'source', 'uri', 'uri whole', 'hdr(x-user)'],
  ...['url_param user', 'random', 'random', 'random(1)', 'hash path', 'hdr(host)', '']
]
const HASH_TYPES = [
  '',
  'hash-type consistent',
  'hash-type consistent',
  'hash-type map-based',
  'hash-type consistent djb2 avalanche'
]

/**
 * A check may take as long as `inter`, and a busy machine takes its time: what is short is only how soon the next one
 * follows when the state is about to change.
 */
const PACE = 'inter 1s fastinter 150 downinter 150'
const CHECKS = ['check', 'check', 'check', 'check inter 1200', 'check inter 900 rise 1 fall 1', '', 'check fall 1']
const TRANSPORTS = [
  ...['', '', '', '', 'send-proxy', 'send-proxy-v2', 'ssl verify none', 'ssl verify none sni str(pods.test)'],
  ...['ssl verify none alpn http/1.1', 'ssl verify none send-proxy-v2', 'check-ssl verify none', 'check-send-proxy']
]
/** Mostly none: each of them is rare in a fleet, and many of them take a reload. */
const EXTRAS = [
  ...Array.from({ length: 22 }, () => ''),
  ...['weight 3', 'weight 20', 'maxconn 40', 'maxconn 20 maxqueue 7', 'slowstart 1s', 'backup'],
  ...['cookie c1', 'disabled', 'weight 0', 'observe layer4', 'on-marked-down shutdown-sessions', 'error-limit 3'],
  ...['port 1', 'id @id', 'init-addr none', 'check-sni pods.test', 'agent-check agent-port @agent agent-inter 1s'],
  ...['pool-max-conn 4', 'proxy-v2-options crc32c send-proxy-v2', 'no-check', 'addr @@2.9', 'inter 1500', 'tfo']
]
const DEFAULT_SERVERS = [
  ...[PACE, `${PACE} fall 1 rise 1`, `check ${PACE}`, 'weight 5', 'ssl verify none', 'send-proxy-v2'],
  ...[
    `check ssl verify none ${PACE}`,
    'maxconn 30',
    'port 1',
    'check-ssl verify none',
    'on-marked-down shutdown-sessions'
  ]
]
const COMMENTS = ['', '', '', '', ' # from pods', '  #', ' # it\'s "quoted"']

const CHECK_LINES = [
  ...['option httpchk GET /health', 'option httpchk OPTIONS /h HTTP/1.0', 'option httpchk', ''],
  ...['option httpchk\nhttp-check send meth GET uri /ready ver HTTP/1.1 hdr Host pods.test', 'option tcp-check', '']
]

const BACKEND_LINES = [
  ...Array.from({ length: 9 }, () => ''),
  ...['option forwardfor', 'http-reuse always', 'http-request set-header x-a "b c"', 'retries 1', 'fullconn 50'],
  ...['cookie SRV insert indirect nocache', 'http-send-name-header x-srv', 'stick-table type ip size 1k expire 1m'],
  ...['http-request set-header x-nb %[nbsrv]', 'option prefer-last-server', 'timeout server 30s', 'option redispatch'],
  ...[
    'stick on src\nstick-table type ip size 1k expire 1m',
    "http-response set-header x-q 'it is'",
    'email-alert level info'
  ]
]

const ACLS = [
  ...['acl r path_reg ^/a.b$', 'acl r path_reg ^/a\\.b$', 'acl r path_beg /adm /root', "acl r path_beg '/adm in'"],
  ...['acl r path_beg "/a b"', 'acl r path_beg /a\\ b', 'acl r hdr(x-user) -m str u1', 'acl r path_beg "$PFX"'],
  ...[
    "acl r path_beg '$PFX'",
    "acl r path_beg '$PFX'",
    'acl r path_beg "$PFX"',
    'acl r path -m beg /\\x61dm',
    'acl r path_beg "\\/adm"',
    'acl r path_end b # all of them'
  ]
]
const RULES = [
  ...['http-request deny if r', 'http-request redirect location /moved if r', 'http-request set-header x-r 1 if r'],
  ...['http-response set-header x-r 2', 'http-request return status 204 if r', 'http-request deny unless !r']
]
const GLOBALS = ['maxconn 500', 'nbthread 2', 'nbthread 1', 'hard-stop-after 20s']
const PATHS = ['/', '/adm/x', '/aXb', '/a.b', '/a', '/a%20b', '/adm', '/root', '/write/1', '/index?user=u3']

export function generate(random: SeededRandom, place: Place): Scenario {
  if (random.chance(0.6)) return fleetOf(random, place)
  const names = random.chance(0.5) ? ['web'] : ['web', 'api']
  const backends = names.map((name) => backendPart(random, place, name))
  const defaults = random.chance(0.6)
    ? [defaultsPart(random, 'defaults')]
    : [{ title: 'defaults', lines: defaultLines() }]
  const [backend] = backends
  if (backend !== undefined && random.chance(0.15)) {
    defaults.unshift(defaultsPart(random, 'defaults special'))
    backend.title += ' from special'
  }
  const before = preamble(random, place)
  const globals = GLOBALS.filter(() => random.chance(0.15))
  return {
    fleet: false,
    preamble: before,
    // Behind a section that may be there HAProxy takes threads or refuses them, as the condition has it; we take them.
    global: ['setenv PFX /a', ...globals.filter((line) => before.length < 2 || !line.startsWith('nbthread'))],
    defaults,
    frontends: [{ title: 'frontend f', lines: frontendLines(random, place, backends) }],
    backends,
    others: otherSections(random, place)
  }
}

const FLEET_BALANCES = ['', 'roundrobin', 'leastconn', 'random', 'random', 'random(1)', 'uri', 'hdr(x-user)', 'source']
const FLEET_CHECKS = ['check', 'check', 'check', 'check fall 1', 'check rise 1', '', 'check-ssl verify none check']
const FLEET_TRANSPORTS = [
  ...[
    '',
    '',
    'ssl verify none',
    'ssl verify none',
    'ssl verify none sni str(pods.test)',
    'send-proxy',
    'send-proxy-v2'
  ],
  ...['ssl verify none send-proxy-v2', 'ssl verify none alpn http/1.1', 'send-proxy-v2 proxy-v2-options crc32c']
]
const FLEET_EXTRAS = [
  ...['', '', '', '', '', '', 'weight 3', 'weight 20', 'maxconn 40', 'maxconn 20 maxqueue 7', 'slowstart 1s'],
  ...[
    'pool-max-conn 4',
    'error-limit 3',
    'observe layer4',
    'check-sni pods.test',
    'id @id',
    'port @pods',
    'addr @@2.9'
  ],
  ...[
    'check-send-proxy',
    'minconn 5 maxconn 30',
    'check-alpn http/1.1',
    'inter 1300',
    'on-marked-up shutdown-backup-sessions'
  ]
]
const FLEET_DEFAULT_SERVERS = [
  ...['', '', '', 'check', 'ssl verify none', 'check ssl verify none', 'send-proxy-v2', 'check send-proxy', 'weight 5'],
  ...['check-ssl verify none', 'port @pods', 'maxconn 30 slowstart 1s', 'sni str(pods.test)', 'fall 1 rise 1']
]

/** What most people have: backends whose pods can come and go at runtime, of all kinds of transport and check. */
function fleetOf(random: SeededRandom, place: Place): Scenario {
  const backends = ['web', 'api', 'jobs'].slice(0, 1 + random.below(3)).map((name) => fleetPart(random, place, name))
  const lines = defaultLines()
  if (random.chance(0.4)) lines.push(`default-server ${PACE} ${withPorts(random.pick(FLEET_DEFAULT_SERVERS), place)}`)
  return {
    fleet: true,
    preamble: [],
    global: ['setenv PFX /a'],
    defaults: [{ title: 'defaults', lines }],
    frontends: [{ title: 'frontend f', lines: frontendLines(random, place, backends) }],
    backends,
    others: []
  }
}

function fleetPart(random: SeededRandom, place: Place, name: string): BackendPart {
  const balance = random.pick(FLEET_BALANCES)
  const keyed = /^(?:uri|hdr|source)/.test(balance)
  const words = [FLEET_CHECKS, FLEET_TRANSPORTS, FLEET_EXTRAS].map((choices) => random.pick(choices))
  const options = withPorts([...words, keyed ? 'id @id' : ''].filter((word) => word !== '').join(' '), place)
  const servers = random.some(1, 4, () => serverPart(random, place, options))
  for (const server of servers) Object.assign(server, { options, condition: undefined })
  const [first] = servers
  if (first !== undefined && random.chance(0.2)) first.condition = pickCondition(random)
  distinct(servers)
  const numbered = random.chance(0.6)
  if (!numbered) for (const server of servers) server.name = `p-${server.pod}`
  const lines = [
    balance === '' ? '' : `balance ${balance}`,
    keyed ? 'hash-type consistent' : '',
    `default-server ${PACE} ${withPorts(random.pick(FLEET_DEFAULT_SERVERS), place)}`,
    ...random.pick(CHECK_LINES).split('\n')
  ]
  return { title: `backend ${name}`, lines: lines.filter((line) => line !== ''), servers, numbered, tail: [] }
}

const withPorts = (options: string, { podPort }: Place): string =>
  options.replace('@agent', String(podPort + 1)).replace('@pods', String(podPort))

function frontendLines(random: SeededRandom, place: Place, backends: readonly BackendPart[]): string[] {
  const { bindPort, certificate } = place
  const numbered = backends[0]?.numbered === true
  return [
    `bind @@1.1:${bindPort}${random.chance(0.2) ? ' name main' : ''}`,
    ...(random.chance(0.2) ? [`bind @@1.1:${bindPort + 1} ssl crt ${certificate}`] : []),
    random.pick(ACLS),
    random.pick(RULES),
    ...backends
      .slice(1)
      .map(({ title }) => title.split(' ')[1])
      .map((name) => `use_backend ${name} if { path_beg /${name} }`),
    ...(numbered && random.chance(0.1) ? ['http-request set-header x-up 1 if { srv_is_up(web/w1) }'] : []),
    'default_backend web'
  ]
}

function preamble(random: SeededRandom, place: Place): string[] {
  if (random.chance(0.1)) return ['# before everything']
  if (random.chance(0.9)) return []
  return [random.pick(['.if defined(CANARY)', '.if !defined(CANARY)']), ...extra(place), '.endif']
}

/** A listener of its own, which a condition may leave out. */
const extra = ({ bindPort }: Place): string[] => [
  'listen extra',
  `  bind @@1.1:${bindPort + 2}`,
  '  mode http',
  '  timeout client 5s',
  '  http-request return status 200'
]

const defaultLines = (): string[] => ['mode http', 'timeout connect 2s', 'timeout client 20s', 'timeout server 20s']

function defaultsPart(random: SeededRandom, title: string): Scenario['defaults'][number] {
  const lines = defaultLines()
  if (random.chance(0.5)) lines.push(`default-server ${random.pick(DEFAULT_SERVERS)}`)
  if (random.chance(0.3)) lines.push(`balance ${random.pick(['roundrobin', 'leastconn', 'source', 'random'])}`)
  if (random.chance(0.2)) lines.push('option httpchk GET /health')
  if (random.chance(0.15)) lines.push(random.pick(['option forwardfor', 'retry-on all-retryable-errors', 'no log']))
  return { title, lines }
}

function otherSections(random: SeededRandom, { bindPort }: Place): string[] {
  const sections = [
    `peers mine\n  peer "$HAPROXY_LOCALPEER" @@1.1:${bindPort + 5}\n  peer other @@1.9:${bindPort + 5}`,
    'ring events\n  format rfc5424\n  size 32768',
    'resolvers dns\n  nameserver a @@1.9:53',
    'userlist people\n  user ann insecure-password secret',
    'cache small\n  total-max-size 4',
    `mailers post\n  mailer one @@1.9:25`
  ]
  return sections.filter(() => random.chance(0.08))
}

function backendPart(random: SeededRandom, place: Place, name: string): BackendPart {
  const numbered = random.chance(0.6)
  const balance = random.pick(BALANCES)
  const lines = [
    ...(balance === '' ? [] : [`balance ${balance}`]),
    random.pick(HASH_TYPES),
    ...(random.chance(0.5) ? [`default-server ${random.pick(DEFAULT_SERVERS)}`] : [`default-server ${PACE}`]),
    random.pick(CHECK_LINES),
    random.pick(BACKEND_LINES)
  ].flatMap((line) => (line === '' ? [] : line.split('\n')))
  const options = serverOptions(random, place)
  const servers = random.some(1, 4, () => serverPart(random, place, options))
  distinct(servers)
  if (!numbered) for (const server of servers) server.name = `p-${server.pod}`
  const [first] = servers
  const tail =
    first !== undefined && random.chance(0.08)
      ? [`use-server ${numbered ? 'w1' : first.name} if { path_beg /write }`]
      : []
  return { title: `backend ${name}`, lines, servers, numbered, tail }
}

export function distinct(servers: ServerPart[]): void {
  const seen = new Set<number>()
  for (const server of servers) {
    while (seen.has(server.pod)) server.pod = (server.pod % 90) + 1
    seen.add(server.pod)
  }
}

export function serverOptions(random: SeededRandom, place: Place): string {
  const words = [
    random.pick(CHECKS),
    random.pick(TRANSPORTS),
    random.pick(EXTRAS),
    random.chance(0.15) ? random.pick(EXTRAS) : ''
  ]
  const options = words.filter((word) => word !== '').join(random.chance(0.1) ? '   ' : ' ')
  return withPorts(options, place)
}

/** Mostly as its neighbours, as in a template's loop. */
export function serverPart(random: SeededRandom, place: Place, options: string): ServerPart {
  return {
    name: 'w',
    pod: random.chance(0.06) ? SICK + random.below(20) : 1 + random.below(90),
    port: place.podPort,
    dead: random.chance(0.06),
    options: random.chance(0.93) ? options : serverOptions(random, place),
    comment: random.pick(COMMENTS),
    condition: random.chance(0.08) ? pickCondition(random) : undefined
  }
}

/** Requests that tell two configurations of the generator apart. */
export function probesOf({ prefix, bindPort }: Place, { backends }: Scenario): Probe[] {
  const [first] = backends
  const server = /^use-server (\S+)/m.exec(first?.tail.join('\n') ?? '')?.[1]
  const named = server === undefined ? {} : { server: `${first?.title.split(' ')[1]}/${server}` }
  const host = `${prefix}1.1`
  const plain = { host, port: bindPort }
  return [
    ...PATHS.map((path) => ({ ...plain, path, ...(path.startsWith('/write') && named) })),
    ...PATHS.slice(0, 2).map((path) => ({ ...plain, path: `/api${path}` })),
    ...keyedProbes(plain, '', 12),
    ...backends.slice(1).flatMap(({ title }) => keyedProbes(plain, `/${title.split(' ')[1]}`, 8)),
    { host, port: bindPort + 2, path: '/extra' },
    { host, port: bindPort + 1, tls: true, path: '/tls' }
  ]
}

function keyedProbes(to: Pick<Probe, 'host' | 'port'>, prefix: string, count: number): Probe[] {
  return Array.from({ length: count }, (_, index) => ({
    ...to,
    path: `${prefix}/k${index}?user=u${index}`,
    headers: { 'x-user': `u${index}` },
    from: `127.251.${index}.7`
  }))
}

export const pickCondition = (random: SeededRandom): string => random.pick(['defined(CANARY)', '!defined(CANARY)'])
export const pickAcl = (random: SeededRandom): string => random.pick(ACLS)
export const pickRule = (random: SeededRandom): string => random.pick(RULES)
export const pickComment = (random: SeededRandom): string => random.pick(COMMENTS)
export const pickDefaultServer = (random: SeededRandom): string => random.pick(DEFAULT_SERVERS)
export const pickBalance = (random: SeededRandom): string => random.pick(BALANCES)
export const pickBackendLine = (random: SeededRandom): string => random.pick(BACKEND_LINES)
