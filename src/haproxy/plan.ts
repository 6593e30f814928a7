import { parseConfig, type ConfigSection } from './config-parser.ts'

/** What it takes to get from the configuration that runs to the wanted one. */
export type Plan = { kind: 'none' } | { kind: 'reload'; reasons: string[] }

/** @param running undefined when what runs is not known */
export function planChange(running: string | undefined, wanted: string): Plan {
  if (running === undefined) return { kind: 'reload', reasons: ['what HAProxy runs is not known'] }
  if (running === wanted) return { kind: 'none' }
  const reasons = differences(fingerprints(parseConfig(running).sections), fingerprints(parseConfig(wanted).sections))
  return reasons.length === 0 ? { kind: 'none' } : { kind: 'reload', reasons }
}

function differences(before: Map<string, string>, after: Map<string, string>): string[] {
  const reasons = [...after].flatMap(([title, lines]) => {
    if (!before.has(title)) return [`${title} is new`]
    return before.get(title) === lines ? [] : [`${title} changed`]
  })
  for (const title of before.keys()) if (!after.has(title)) reasons.push(`${title} is gone`)
  const moved = reasons.length === 0 && [...before.keys()].join('\n') !== [...after.keys()].join('\n')
  return moved ? ['sections changed places'] : reasons
}

/** Title of each section, unique, with all that it says. */
function fingerprints(sections: ConfigSection[]): Map<string, string> {
  const result = new Map<string, string>()
  for (const { kind, name, lines } of sections) {
    const title = name === '' ? kind : `${kind} ${name}`
    const said = lines.map(({ words }) => words.join('\0')).join('\n')
    let unique = title
    for (let count = 2; result.has(unique); count++) unique = `${title} (${count})`
    result.set(unique, said)
  }
  return result
}
