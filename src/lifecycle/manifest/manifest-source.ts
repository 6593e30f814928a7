import { isMap, isNode, isScalar, isSeq, LineCounter, parseDocument, type Document } from 'yaml'

/** Something wrong, and where: the keys and indexes that lead there. */
export interface Problem {
  path: readonly (string | number)[]
  message: string
}

/** A manifest as it is written: its plain value, and the line of each part. */
export class ManifestSource {
  readonly value: unknown
  /** What keeps the text from being YAML at all, tags that would make objects included; each with its line. */
  readonly faults: readonly string[]
  /** Keys that are there twice, the last of which counts; each with its line. */
  readonly doubts: readonly string[]
  readonly #document: Document
  readonly #lines = new LineCounter()

  constructor(text: string) {
    this.#document = parseDocument(text, { lineCounter: this.#lines, merge: true, prettyErrors: false })
    const found = [...this.#document.errors, ...this.#document.warnings]
    const faults = found.filter(({ code }) => code !== 'DUPLICATE_KEY')
    const inWords = ({ message, pos }: (typeof found)[number]): string =>
      `line ${this.#lines.linePos(pos[0]).line}: ${message}`
    this.faults = faults.map(inWords)
    this.doubts = found.filter((fault) => !faults.includes(fault)).map(inWords)
    this.value = faults.length > 0 ? undefined : withBooleans(this.#document.toJS())
  }

  /** Whatever stands under `states`; not checked yet. */
  get states(): readonly unknown[] {
    const states = isRecord(this.value) ? this.value.states : undefined
    return Array.isArray(states) ? (states as unknown[]) : []
  }

  /** "line 4: …", in the order of the lines. */
  listed(problems: readonly Problem[]): string[] {
    return problems
      .map(({ path, message }) => ({ line: this.#lineOf(path), message }))
      .sort((a, b) => a.line - b.line)
      .map(({ line, message }) => `line ${line}: ${message}`)
  }

  /** Line of the last part of the path that is there. */
  #lineOf(path: readonly (string | number)[]): number {
    let node: unknown = this.#document.contents
    let offset = 0
    for (const part of path) {
      const found = step(node, part)
      if (found === undefined) break
      offset = offsetOf(found.mark) ?? offset
      node = found.value
    }
    return this.#lines.linePos(offset).line || 1
  }
}

/** The value under a key or index, and the node that shows where it begins. */
function step(node: unknown, part: string | number): { mark: unknown; value: unknown } | undefined {
  if (isSeq(node)) return { mark: node.items[Number(part)], value: node.items[Number(part)] }
  if (!isMap(node)) return undefined
  const pair = node.items.find(({ key }) => isScalar(key) && key.value === part)
  return pair && { mark: pair.key, value: pair.value }
}

const offsetOf = (node: unknown): number | undefined => (isNode(node) ? node.range?.[0] : undefined)

export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The original read YAML 1.1, where these words are booleans as well; our `on` must stay a word. */
function withBooleans(root: unknown): unknown {
  if (!isRecord(root) || !Array.isArray(root.states)) return root
  for (const state of root.states as unknown[]) {
    if (!isRecord(state) || typeof state.force !== 'string') continue
    if (/^(yes|on)$/i.test(state.force)) state.force = true
    else if (/^(no|off)$/i.test(state.force)) state.force = false
  }
  return root
}
