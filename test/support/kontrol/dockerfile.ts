import { readFileSync } from 'node:fs'

interface Instruction {
  /** In capitals. */
  word: string
  rest: string
}

interface Stage {
  name: string | undefined
  /** An image, or the name of a stage before. */
  from: string
  instructions: readonly Instruction[]
}

/** As much of a Dockerfile as the images of this project use; comments and line continuations are resolved. */
export function readDockerfile(path: string): Stage[] {
  const lines = readFileSync(path, 'utf8')
    .replace(/^\s*#.*\n/gm, '')
    .replace(/\\\n/g, ' ')
    .split('\n')
  const stages: (Stage & { instructions: Instruction[] })[] = []
  for (const line of lines) {
    const [, word, rest = ''] = /^([A-Z]+)\s+(.*)$/.exec(line.trim()) ?? []
    if (word === undefined) continue
    const [, from = '', name] = /^(\S+)(?:\s+AS\s+(\S+))?$/i.exec(rest) ?? []
    if (word === 'FROM') stages.push({ from, name, instructions: [] })
    else stages.at(-1)?.instructions.push({ word, rest })
  }
  return stages
}

/** All instructions of a stage, those of the stages that it is made from first. */
export function instructionsOf(stages: readonly Stage[], name: string): readonly Instruction[] {
  const stage = stages.find((candidate) => candidate.name === name)
  return stage === undefined ? [] : [...instructionsOf(stages, stage.from), ...stage.instructions]
}

interface Copy {
  /** The stage or image that the files come from; undefined: the build context. */
  from: string | undefined
  sources: readonly string[]
  to: string
}

export function copyOf(rest: string): Copy {
  const [, from, paths = ''] = /^(?:--from=(\S+)\s+)?(.*)$/.exec(rest) ?? []
  const words = paths.split(/\s+/)
  return { from, sources: words.slice(0, -1), to: words.at(-1) ?? '' }
}
