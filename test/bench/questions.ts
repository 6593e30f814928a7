import type { Question } from './table.ts'

/** In the order of the page; each has a process of its own. */
export const questions: Readonly<Record<string, () => Promise<Question>>> = {
  ingest: async () => (await import('./questions/ingest.ts')).ingest,
  undisturbed: async () => (await import('./questions/undisturbed.ts')).undisturbed,
  convergence: async () => (await import('./questions/convergence.ts')).convergence,
  burst: async () => (await import('./questions/burst.ts')).burst,
  removal: async () => (await import('./questions/removal.ts')).removal,
  apply: async () => (await import('./questions/apply.ts')).apply,
  reload: async () => (await import('./questions/reload.ts')).reload,
  'two-masters': async () => (await import('./questions/two-masters.ts')).twoMasters,
  start: async () => (await import('./questions/start.ts')).start,
  memory: async () => (await import('./questions/memory.ts')).memory,
  ping: async () => (await import('./questions/ping.ts')).ping,
  'template-limits': async () => (await import('./questions/template-limits.ts')).templateLimits,
  render: async () => (await import('./questions/render.ts')).render,
  'render-process': async () => (await import('./questions/render-process.ts')).renderProcess,
  scaling: async () => (await import('./questions/scaling.ts')).scaling,
  page: async () => (await import('./questions/page.ts')).page
}
