import { describe, expect, it } from 'vitest'
import { parseManifest } from '../../../src/lifecycle/manifest/manifest.ts'
import { toMermaid } from '../../../src/lifecycle/manifest/mermaid.ts'

const graphOf = (text: string): string => toMermaid(parseManifest(text).manifest)

describe('the diagram of a manifest', () => {
  it('shows where the machine goes by itself, and what may be asked for', () => {
    const graph = graphOf(`
initial: render
terminal: shutdown
states:
- { tag: render, action: render, on: { done: configure, failed: idle } }
- { tag: configure, action: configure, on: { applied: idle }, next: [conf*] }
- { tag: idle, next: ['*'] }
- { tag: shutdown, next: ['*'] }
`)

    expect(graph).toBe(`stateDiagram-v2
  state "render" as s1
  state "configure" as s2
  state "idle" as s3
  state "shutdown" as s4
  [*] --> s1
  s1 --> s2: done
  s1 --> s3: failed
  s2 --> s3: applied
  s2 --> s2
  s3 --> s1
  s3 --> s2
  s3 --> s3
  s4 --> [*]`)
  })

  it('begins nowhere when the initial state is unknown', () => {
    expect(graphOf('initial: nowhere\nterminal: z\nstates: [{tag: z}]\n')).not.toContain('[*] --> s')
  })

  it('escapes what Mermaid would read', () => {
    expect(graphOf(`initial: 'a"b'\nterminal: 'a"b'\nstates: [{tag: 'a"b'}]\n`)).toContain('state "a#34;b" as s1')
  })
})
