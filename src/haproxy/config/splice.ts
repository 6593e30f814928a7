import { eachInTurns } from '../../platform/turns.ts'
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
export async function withServersOf(running: ReadText, wanted: ReadText): Promise<string> {
  const theirs = new Map<string, Part>()
  await eachInTurns(partsOf(wanted), (part) => theirs.set(part.title, part))
  const parts: string[] = []
  await eachInTurns(partsOf(running), (part) => {
    const their = theirs.get(part.title)
    const alike = their !== undefined && part.said === their.said && isOfItsKind(part.servers, their.servers)
    parts.push((alike ? their : part).raw)
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

function* partsOf({ text, model }: ReadText): Generator<Part> {
  const lines = text.split('\n')
  for (const [index, { kind, title, number, text: said }] of model.sections.entries()) {
    const next = model.sections[index + 1]?.number
    const own = lines.slice(index === 0 ? 0 : number - 1, next === undefined ? undefined : next - 1)
    const name = title.slice(kind.length + 1)
    const holdsServers = kind === 'backend' || kind === 'listen'
    const servers = holdsServers ? (model.order.get(name)?.servers ?? []) : []
    yield { title, said, servers, raw: next === undefined ? own.join('\n') : `${own.join('\n')}\n` }
  }
}

/** Options that none has yet belong to the edit that failed. */
function isOfItsKind(present: readonly ServerLine[], coming: readonly ServerLine[]): boolean {
  const known = new Set(present.map(({ target }) => target.options))
  return known.size === 0 || coming.every(({ target }) => known.has(target.options))
}
