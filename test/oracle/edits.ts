import type { SeededRandom } from '../support/seeded-random.ts'
import {
  distinct,
  pickAcl,
  pickBackendLine,
  pickBalance,
  pickComment,
  pickCondition,
  pickDefaultServer,
  pickRule,
  serverOptions,
  serverPart,
  type Place
} from './generator.ts'
import type { BackendPart, Scenario } from './scenario.ts'

/** What happens to a control tier and its HAProxy besides new texts. */
export type Event = 'nothing' | 'takeover' | 'stranger'

export interface Edit {
  name: string
  weight: number
  apply(scenario: Scenario, random: SeededRandom, place: Place): void
}

type BackendEdit = (backend: BackendPart, random: SeededRandom, place: Place) => void

const ofBackend =
  (edit: BackendEdit): Edit['apply'] =>
  (scenario, random, place) =>
    edit(random.pick(scenario.backends), random, place)

const join: BackendEdit = (backend, random, place) => {
  const like = backend.servers[0]?.options ?? serverOptions(random, place)
  const server = serverPart(random, place, like)
  backend.servers.splice(
    random.chance(0.5) ? backend.servers.length : random.below(backend.servers.length + 1),
    0,
    server
  )
  distinct(backend.servers)
  if (!backend.numbered) server.name = `p-${server.pod}`
}

const leave: BackendEdit = ({ servers }, random) => {
  if (servers.length > 0) servers.splice(random.below(servers.length), 1)
}

const swap: BackendEdit = ({ servers }, random) => {
  const [one, other] = [random.below(servers.length), random.below(servers.length)]
  const [first, second] = [servers[one], servers[other]]
  if (first === undefined || second === undefined) return
  servers[one] = second
  servers[other] = first
}

export const EDITS: readonly Edit[] = [
  { name: 'join', weight: 8, apply: ofBackend(join) },
  {
    name: 'scale up',
    weight: 3,
    apply: ofBackend((backend, random, place) => {
      random.some(2, 4, () => join(backend, random, place))
    })
  },
  { name: 'leave', weight: 6, apply: ofBackend(leave) },
  {
    name: 'replace',
    weight: 4,
    apply: ofBackend((backend, random, place) => {
      leave(backend, random, place)
      join(backend, random, place)
    })
  },
  { name: 'swap', weight: 3, apply: ofBackend(swap) },
  {
    name: 'rename',
    weight: 1,
    apply: ofBackend((backend, random) => {
      for (const server of backend.servers) server.name = `${server.name}${random.pick(['', 'x'])}`
    })
  },
  {
    name: 'options of all',
    weight: 3,
    apply: ofBackend(({ servers }, random, place) => {
      const options = serverOptions(random, place)
      for (const server of servers) server.options = options
    })
  },
  {
    name: 'options of one',
    weight: 2,
    apply: ofBackend(({ servers }, random, place) => {
      const server = servers[random.below(servers.length)]
      if (server !== undefined) server.options = serverOptions(random, place)
    })
  },
  {
    name: 'option added',
    weight: 2,
    apply: ofBackend(({ servers }, random) => {
      const word = random.pick([
        ' weight 3',
        " weight '3'",
        ' weight\u00a03',
        ' "check"',
        ' check\\ ',
        '\tcheck',
        ' check inter 100${X}0'
      ])
      const server = servers[random.below(servers.length)]
      if (server !== undefined) server.options += word
    })
  },
  {
    name: 'comment',
    weight: 2,
    apply: ofBackend(({ servers }, random) => {
      for (const server of servers) server.comment = pickComment(random)
    })
  },
  {
    name: 'condition',
    weight: 3,
    apply: ofBackend(({ servers }, random) => {
      const server = servers[random.below(servers.length)]
      if (server === undefined) return
      server.condition = server.condition === undefined ? pickCondition(random) : undefined
    })
  },
  {
    name: 'condition moves',
    weight: 6,
    apply: ofBackend(({ servers }) => {
      const at = servers.findIndex(({ condition }) => condition !== undefined)
      const [from, to] = [servers[at], servers[at + 1] ?? servers[0]]
      if (to === undefined) return
      // The lines stay as they are, but for the server that stands between them.
      to.condition = from?.condition ?? 'defined(CANARY)'
      if (from !== undefined && from !== to) from.condition = undefined
    })
  },
  {
    name: 'backend line',
    weight: 2,
    apply: ofBackend((backend, random) => {
      backend.lines[backend.lines.length - 1] = pickBackendLine(random).split('\n')[0] ?? ''
    })
  },
  {
    name: 'balance',
    weight: 1,
    apply: ofBackend((backend, random) => {
      backend.lines[0] = `balance ${pickBalance(random) || 'roundrobin'}`
    })
  },
  {
    name: 'default-server',
    weight: 1,
    apply: ofBackend((backend, random) => {
      backend.lines.splice(random.below(backend.lines.length), 0, `default-server ${pickDefaultServer(random)}`)
    })
  },
  {
    name: 'acl',
    weight: 3,
    apply: ({ frontends: [frontend] }, random) => {
      const at = frontend?.lines.findIndex((line) => line.startsWith('acl r ')) ?? -1
      if (frontend !== undefined && at >= 0) frontend.lines[at] = pickAcl(random)
    }
  },
  {
    name: 'quotes',
    weight: 6,
    apply: ({ frontends: [frontend] }) => {
      const at = frontend?.lines.findIndex((line) => line.startsWith('acl r ')) ?? -1
      const word = frontend?.lines[at]?.includes('"$PFX"') === true ? "'$PFX'" : '"$PFX"'
      if (frontend !== undefined && at >= 0) frontend.lines[at] = `acl r path_beg ${word}`
    }
  },
  {
    name: 'rule',
    weight: 1,
    apply: ({ frontends: [frontend] }, random) => {
      const at = frontend?.lines.findIndex((line) => /^http-re/.test(line)) ?? -1
      if (frontend !== undefined && at >= 0) frontend.lines[at] = pickRule(random)
    }
  },
  {
    name: 'environment',
    weight: 1,
    apply: ({ global }, random) => {
      global[0] = `setenv PFX ${random.pick(['/a', '/adm', '"/a"', "'/root'"])}`
    }
  },
  {
    name: 'preamble',
    weight: 1,
    apply: (scenario) => {
      scenario.preamble = scenario.preamble.map((line) =>
        line.startsWith('.if !') ? line.replace('!', '') : line.replace('.if ', '.if !')
      )
    }
  },
  {
    name: 'backends swapped',
    weight: 1,
    apply: ({ backends }) => void backends.reverse()
  }
]

/** What happens to a fleet all day, and takes no reload but where a condition moves. */
const DAILY = EDITS.filter(({ name }) =>
  ['join', 'scale up', 'leave', 'replace', 'comment', 'condition moves'].includes(name)
)
const DAILY_ANYWHERE = DAILY.filter(({ name }) => name !== 'condition moves')

export function pickEdit(random: SeededRandom, { fleet, backends }: Scenario): Edit {
  const conditional = backends.some(({ servers }) => servers.some(({ condition }) => condition !== undefined))
  const edits = fleet && random.chance(0.9) ? (conditional ? DAILY : DAILY_ANYWHERE) : EDITS
  const total = edits.reduce((sum, { weight }) => sum + weight, 0)
  let at = random.below(total)
  for (const edit of edits) {
    at -= edit.weight
    if (at < 0) return edit
  }
  throw new Error('The weights do not add up')
}

export function pickEvent(random: SeededRandom): Event {
  if (random.chance(0.05)) return 'takeover'
  return random.chance(0.03) ? 'stranger' : 'nothing'
}
