import type { Hosts } from '../model/snapshot.ts'
import { betweenSteps } from '../platform/turns.ts'
import type { RenderedTemplate } from './renderer.ts'
import { compileTemplate, mentionsPods, type Rendered, type Template, type TemplateVariables } from './template.ts'
import { refuseLargeText } from './text-limits.ts'

/** What is rendered here: beyond any of these the other process has it. */
const NEAR = { steps: 10_000, outputLength: 512 * 1024, copiedItems: 20_000, recursion: 50 }
const NEAR_SOURCE_LENGTH = 32 * 1024
const NEAR_ADDRESSES = 2_000
/** Milliseconds of the processor for which keepalives may wait; V8 takes most of them the first time. */
const NEAR_MS = 20
/** Renderings that the other process has after one that failed here. */
const REST = 50

/**
 * Renders here what is small, as the way to another process and back takes longer than such a rendering; all else goes there.
 * Small is a template of addresses alone: what pods say of themselves is never a value here. Whatever goes wrong
 * is for the other process to try, and to tell.
 */
export function nearTemplate(source: string, remote: RenderedTemplate): RenderedTemplate {
  if (source.length > NEAR_SOURCE_LENGTH || mentionsPods(source)) return remote
  let compiled: Template | undefined
  let until = Infinity
  let resting = 0

  function attempt({ hosts, ...constants }: TemplateVariables): Rendered | undefined {
    if (countOf(hosts) > NEAR_ADDRESSES) return undefined
    if (resting > 0) {
      resting--
      return undefined
    }
    try {
      compiled ??= compileTemplate(source, { ...NEAR, isOverdue: () => processorTimeMs() > until })
      until = processorTimeMs() + NEAR_MS
      const rendered = compiled.render({ ...constants, hosts, pods: new Map() })
      refuseLargeText(rendered.text)
      return rendered
    } catch {
      resting = REST
      return undefined
    }
  }

  return {
    async render(variables, signal) {
      signal?.throwIfAborted()
      const rendered = attempt(variables)
      if (rendered === undefined) return await remote.render(variables, signal)
      await betweenSteps(rendered.text)
      return rendered
    }
  }
}

function countOf(hosts: Hosts): number {
  let count = 0
  for (const { length } of hosts.values()) count += length
  return count
}

/** What else the machine does is not in it. */
function processorTimeMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}
