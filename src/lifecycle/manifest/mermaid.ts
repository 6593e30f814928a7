import type { Manifest } from './manifest.ts'
import { ReachableStates } from './reachable-states.ts'

/**
 * The states as a Mermaid diagram. An arrow with an outcome is where the
 * machine goes by itself, a bare one is a transition that may be asked for; the
 * arrows to the terminal state, which may be asked for everywhere, are left out.
 */
export function toMermaid(manifest: Manifest): string {
  const { initial, terminal, states } = manifest
  const reach = new ReachableStates(manifest)
  // Tags may be words of Mermaid's own, such as "end".
  const ids = new Map(states.map(({ tag }, index) => [tag, `s${index + 1}`]))
  const id = (tag: string): string => ids.get(tag) ?? tag
  const lines = states.map(({ tag }) => `state "${escape(tag)}" as ${id(tag)}`)
  if (ids.has(initial)) lines.push(`[*] --> ${id(initial)}`)
  for (const { tag, on = {} } of states) {
    for (const [outcome, target] of Object.entries(on)) lines.push(`${id(tag)} --> ${id(target)}: ${escape(outcome)}`)
    const asked = reach.allowedAt(tag).filter((next) => next !== terminal)
    for (const next of asked) lines.push(`${id(tag)} --> ${id(next)}`)
  }
  lines.push(`${id(terminal)} --> [*]`)
  return ['stateDiagram-v2', ...lines.map((line) => `  ${line}`)].join('\n')
}

const escape = (text: string): string => text.replace(/["#;:]/g, (letter) => `#${letter.charCodeAt(0)};`)
