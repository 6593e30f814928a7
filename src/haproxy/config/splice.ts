import type { ConfigModel } from './model.ts'
import type { ServerLine } from './server-line.ts'

export interface ReadText {
  text: string
  model: ConfigModel
}

/**
 * A text with the servers of another one, where both say the same else: a backend whose lines differ, or which
 * would get a server with options that it has not now, stays as it is.
 */
export function withServersOf(running: ReadText, wanted: ReadText): string {
  const theirs = new Map(partsOf(wanted).map((part) => [part.title, part]))
  const parts = partsOf(running).map((part) => {
    const their = theirs.get(part.title)
    const alike = their !== undefined && part.said === their.said && isOfItsKind(part.servers, their.servers)
    return (alike ? their : part).raw
  })
  return parts.join('')
}

interface Part {
  title: string
  /** All but its servers. */
  said: string
  servers: readonly ServerLine[]
  /** Its lines as they stand, with the last LF. */
  raw: string
}

function partsOf({ text, model }: ReadText): Part[] {
  const lines = text.split(/(?<=\n)/)
  return model.sections.map(({ kind, title, number, text: said }, index) => {
    const [from, to] = [index === 0 ? 0 : number - 1, model.sections[index + 1]?.number ?? lines.length + 1]
    const name = title.slice(kind.length + 1)
    const holdsServers = kind === 'backend' || kind === 'listen'
    const servers = holdsServers ? (model.order.get(name)?.servers ?? []) : []
    return { title, said, servers, raw: lines.slice(from, to - 1).join('') }
  })
}

/** Options that none has yet belong to the edit that failed. */
function isOfItsKind(present: readonly ServerLine[], coming: readonly ServerLine[]): boolean {
  const known = new Set(present.map(({ target }) => target.options))
  return known.size === 0 || coming.every(({ target }) => known.has(target.options))
}
