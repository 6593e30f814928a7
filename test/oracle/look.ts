import { exchange } from '../../src/haproxy/socket/exchange.ts'

/** A table of HAProxy's, row by row. */
type Row = Readonly<Record<string, string>>

export interface ServerLook {
  backend: string
  name: string
  /** `10.0.0.1:80` */
  place: string
  /** Out by hand of somebody: maintenance, drain. */
  out: boolean
  id: string
  /** Everything that does not change while it runs, as text. */
  settings: Row
  /** UP, DOWN … and the outcome of the last check. */
  status: string
}

/** What a HAProxy shows of its servers, without what differs by nature. */
export interface Look {
  servers: ServerLook[]
  /** By backend, in HAProxy's words. */
  algorithms: ReadonlyMap<string, string>
}

/** Of `show stat`, what a line of the configuration decides. */
const STAT_SETTINGS = [
  ...['slim', 'qlimit', 'weight', 'mode', 'algo', 'cookie', 'check_rise', 'check_fall', 'agent_rise', 'agent_fall'],
  ...['rate_lim']
]
const STATE_SETTINGS = [
  'srv_uweight',
  'srv_use_ssl',
  'srv_check_port',
  'srv_check_addr',
  'srv_agent_addr',
  'srv_agent_port'
]
const CONN_SETTINGS = ['purge_delay', 'idle_lim']
const INFO_SETTINGS = [
  'Maxconn',
  'Nbthread',
  'node',
  'description',
  'ConnRateLimit',
  'SessRateLimit',
  'MaxSslConns',
  'Maxpipes'
]

/** Ends each answer, some of which hold empty lines: what `show cli level` says to us. */
const MARK = /^admin\n\n?/m

/** All on one connection: to make one costs more than most answers. */
async function ask(socket: string, prefix: string, commands: readonly string[]): Promise<string[]> {
  if (commands.length === 0) return []
  const folder = socket.replace(/\/[^/]*$/, '')
  const said = await exchange(socket, commands.map((command) => `${command};show cli level`).join(';'))
  const answers = said.replaceAll(prefix, '127.x.').replaceAll(folder, '').split(MARK)
  if (answers.length !== commands.length + 1)
    throw new Error(`HAProxy broke off after ${JSON.stringify(said.slice(-80))}`)
  return answers.slice(0, -1)
}

/** @param prefix the first two numbers of this instance's addresses, as `127.8.` */
export async function look(socket: string, prefix: string): Promise<Look> {
  const commands = ['show stat', 'show servers state', 'show servers conn']
  const [stats = '', states = '', conns = ''] = await ask(socket, prefix, commands)
  const [stat, state, conn] = [csv(stats), spaced(states, /^# /), spaced(conns, /^# /)]
  const connOf = new Map(conn.map((row) => [row['bkname/svname'] ?? '', row]))
  const statOf = new Map(stat.map((row) => [`${row.pxname}/${row.svname}`, row]))
  const servers = state.map((row): ServerLook => {
    const [backend = '', name = ''] = [row.be_name, row.srv_name]
    const stats = statOf.get(`${backend}/${name}`) ?? {}
    return {
      ...{ backend, name, id: row.srv_id ?? '' },
      place: `${row.srv_addr}:${row.srv_port}`,
      out: (Number(row.srv_admin_state) & (1 | 8)) !== 0,
      settings: {
        ...pick(stats, STAT_SETTINGS),
        weight: weightOf(stats),
        // One that is made of the address of the pod differs by nature.
        cookie: (stats.cookie ?? '').replace(/^[\da-f]{16}$/, 'address'),
        ...pick(row, STATE_SETTINGS),
        ...pick(connOf.get(`${backend}/${name}`) ?? {}, CONN_SETTINGS),
        // Bits of what is configured: a check, an agent; not whether one is under way.
        checks: String(Number(row.srv_check_state) & 0xc) + '/' + String(Number(row.srv_agent_state) & 0xc),
        act: `${stats.act}/${stats.bck}`
      },
      status: `${(stats.status ?? '').replace(/ .*/, '')} ${(stats.check_status ?? '').replace(/^\* /, '')}`
    }
  })
  const algorithms = stat
    .filter(({ svname }) => svname === 'BACKEND')
    .map(({ pxname, algo }) => [pxname, algo] as const)
  return { servers, algorithms: new Map(algorithms as [string, string][]) }
}

/** Of one that is down it may be that of a slow start which never ended; what it is to be is its `srv_uweight`. */
const weightOf = ({ status = '', weight = '' }: Row): string => (status.startsWith('DOWN') ? '' : weight)

/** Everything else that it shows of itself, by name. */
export async function facts(socket: string, prefix: string): Promise<ReadonlyMap<string, string>> {
  const answers = await ask(socket, prefix, FACTS)
  const said = (command: (typeof FACTS)[number]): string => answers[FACTS.indexOf(command)] ?? ''
  const stat = csv(said('show stat'))
  const proxies = stat
    .filter(({ svname }) => svname === 'FRONTEND' || svname === 'BACKEND')
    .map((row): [string, string] => [
      `${row.svname} ${row.pxname}`,
      JSON.stringify({ ...pick(row, STAT_SETTINGS), slim: limitOf(row.slim), weight: '', status: usable(stat, row) })
    ])
  const info: Row = Object.fromEntries(
    said('show info')
      .split('\n')
      .map((line) => line.split(/: (.*)/).slice(0, 2) as [string, string])
  )
  const variables = [...said('show env').matchAll(/^((?!HAPROXY_)[A-Z_]+)=(.*)$/gm)]
  const resolvers = said('show resolvers').matchAll(/^(?:Resolvers section| nameserver) (\S+)/gm)
  const rings = said('show events').matchAll(/^ {2}(\S+) +:/gm)
  return new Map([
    ...proxies,
    ...(await lists(socket, prefix, { acl: said('show acl'), map: said('show map') })),
    ['info', JSON.stringify({ ...pick(info, INFO_SETTINGS), Maxconn: limitOf(info.Maxconn) })],
    ...variables.map(([, name = '', value = '']): [string, string] => [`variable ${name}`, value]),
    [
      'tables',
      said('show table')
        .replace(/, used:\d+/g, '')
        .split('\n')
        .sort()
        .join('\n')
    ],
    ['peers', peersOf(said('show peers'))],
    ['resolvers', [...resolvers].join('\n')],
    ['certificates', said('show ssl cert')],
    ['rings', [...rings].map(([, name]) => name).join(' ')],
    ['sections', proxies.map(([name]) => name).join(', ')]
  ])
}

const FACTS = [
  ...(['show stat', 'show info', 'show acl', 'show map', 'show table', 'show peers', 'show resolvers'] as const),
  // The environment last: it may hold anything.
  ...(['show ssl cert', 'show events', 'show env'] as const)
]

/** What ACLs and maps hold. */
async function lists(
  socket: string,
  prefix: string,
  heads: Readonly<Record<string, string>>
): Promise<[string, string][]> {
  const named = Object.entries(heads).flatMap(([kind, head]) =>
    [...head.matchAll(/^(\d+) /gm)].map(([, id], index) => ({
      name: `${kind} ${index}`,
      command: `show ${kind} #${id}`
    }))
  )
  const commands = named.map(({ command }) => command)
  const entries = await ask(socket, prefix, commands)
  return named.map(({ name }, index) => [name, (entries[index] ?? '').replace(/^0x\S+ /gm, '').trim()])
}

/** A backend without any server says UP when it begins, and DOWN when its last one has left; it serves nothing either way. */
function usable(stat: readonly Row[], { pxname, svname, status = '', act, bck }: Row): string {
  const empty =
    svname === 'BACKEND' &&
    act === '0' &&
    bck === '0' &&
    stat.every(
      (row) =>
        row.pxname !== pxname ||
        /^(?:FRONTEND|BACKEND)$/.test(row.svname ?? '') ||
        /^(?:MAINT|DRAIN)/.test(row.status ?? '')
    )
  return empty ? '' : status
}

/** Without a `maxconn`, HAProxy reckons it from the descriptors that it has left, and `fullconn` from that. */
function limitOf(limit = ''): string {
  return /^(?:99\d\d|99\d|19\d\d\d)$/.test(limit) ? 'by descriptors' : limit
}

/** Which peers there are, and the tables that they share; those of a reload aside. */
function peersOf(text: string): string {
  return text
    .split(/^(?=0x)/m)
    .filter((section) => !/ id=kontrol /.test(section))
    .flatMap((section) => [...section.matchAll(/\bid=([^\s(]+)/g)].map(([, id]) => id))
    .join(' ')
}

function pick(row: Row, names: readonly string[]): Row {
  return Object.fromEntries(names.map((name) => [name, row[name] ?? '']))
}

function csv(text: string): Row[] {
  return table(text.trim().split('\n'), ',', /^# /)
}

function spaced(text: string, header: RegExp): Row[] {
  const lines = text.split('\n')
  return table(lines.slice(lines.findIndex((line) => header.test(line))), ' ', header)
}

function table([header = '', ...lines]: readonly string[], separator: string, mark: RegExp): Row[] {
  const columns = header.replace(mark, '').split(separator)
  const rows = lines.filter((line) => line.trim() !== '').map((line) => line.split(separator))
  return rows.map((cells) => Object.fromEntries(columns.map((name, at) => [name, cells[at] ?? ''])))
}
