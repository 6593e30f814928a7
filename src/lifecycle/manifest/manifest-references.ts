import { compileGlob, isGlob } from '../glob.ts'
import { isRecord, type ManifestSource, type Problem } from './manifest-source.ts'

interface Findings {
  problems: Problem[]
  /** Faults that the original Kontrol runs with. */
  warnings: Problem[]
}

/** Checks that what a manifest names exists; parts of the wrong shape are passed over, as the schema reports them. */
export function checkReferences(source: ManifestSource, actions: readonly string[] | undefined): Findings {
  const states = source.states.map((state) => (isRecord(state) ? state : {}))
  const tags = states.map(({ tag }) => tag)
  const findings: Findings = { problems: [], warnings: [] }
  if (isRecord(source.value)) checkRoot(source.value, tags, findings)
  for (const [index, state] of states.entries()) {
    const path = ['states', index]
    const first = tags.indexOf(state.tag)
    if (typeof state.tag === 'string' && first < index) {
      findings.warnings.push({
        path: [...path, 'tag'],
        message: `a second state with the tag "${state.tag}" takes the place of the first`
      })
    }
    checkStep(state, path, actions, findings)
    checkOutcomes(state, path, tags, findings)
    checkNext(state, path, tags, findings)
    if (turnsForEver(state, states)) {
      findings.problems.push({ path: [...path, 'on'], message: 'states without a step lead round in a circle' })
    }
  }
  return findings
}

type State = Record<string, unknown>
type Path = (string | number)[]

function checkRoot(root: State, tags: readonly unknown[], { problems, warnings }: Findings): void {
  for (const key of Object.keys(root)) {
    if (!['initial', 'terminal', 'states'].includes(key)) {
      warnings.push({ path: [key], message: `unknown key "${key}" is ignored` })
    }
  }
  const { initial, terminal } = root
  if (typeof initial === 'string' && !tags.includes(initial)) {
    warnings.push({ path: ['initial'], message: `initial names no state: "${initial}"; the machine begins in "idle"` })
  }
  if (typeof terminal === 'string' && !tags.includes(terminal)) {
    problems.push({ path: ['terminal'], message: `terminal names no state: "${terminal}"` })
  }
}

function checkStep(state: State, path: Path, actions: readonly string[] | undefined, { problems }: Findings): void {
  const { shell, action } = state
  if (action === undefined) return
  if (shell !== undefined) problems.push({ path: [...path, 'action'], message: 'a state has a shell or an action' })
  if (typeof action === 'string' && actions !== undefined && !actions.includes(action)) {
    const known = actions.length === 0 ? 'none is built in here' : `known: ${actions.join(', ')}`
    problems.push({ path: [...path, 'action'], message: `unknown action "${action}" (${known})` })
  }
}

function checkOutcomes(state: State, path: Path, tags: readonly unknown[], { problems }: Findings): void {
  if (!isRecord(state.on)) return
  for (const [outcome, target] of Object.entries(state.on)) {
    if (typeof target === 'string' && !tags.includes(target)) {
      problems.push({ path: [...path, 'on', outcome], message: `on "${outcome}" names no state: "${target}"` })
    }
  }
}

function checkNext(state: State, path: Path, tags: readonly unknown[], { problems, warnings }: Findings): void {
  if (!Array.isArray(state.next)) return
  for (const [index, pattern] of state.next.entries()) {
    if (typeof pattern !== 'string') continue
    const place = [...path, 'next', index]
    const glob = compileGlob(pattern)
    if (glob === undefined) {
      problems.push({ path: place, message: `next holds a pattern that nothing can match: "${pattern}"` })
    } else if (!tags.some((tag) => typeof tag === 'string' && glob.test(tag))) {
      const says = isGlob(pattern) ? 'matches' : 'names'
      warnings.push({ path: place, message: `next ${says} no state: "${pattern}"` })
    }
  }
}

/** A state without a step is done at once: a circle of such states would never come to rest nor let go. */
function turnsForEver(start: State, states: readonly State[]): boolean {
  const seen = new Set<State>()
  for (let state: State | undefined = start; state !== undefined && !seen.has(state);) {
    if (state.shell !== undefined || state.action !== undefined || !isRecord(state.on)) return false
    seen.add(state)
    const target: unknown = state.on.done
    state = states.find(({ tag }) => tag === target)
    if (state === start) return true
  }
  return false
}
