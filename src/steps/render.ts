import type { ReconfigurationLog } from './reconfiguration-log.ts'
import type { Renderer } from '../render/renderer.ts'
import type { Step } from './step.ts'

/** What the step `render` made and the step `configure` takes. */
export interface CandidateSlot {
  text: string | undefined
}

export interface RenderStepDeps {
  renderer: Renderer
  candidate: CandidateSlot
  log: ReconfigurationLog
}

/** Template + hosts → candidate. When it fails nothing has been touched. */
export const renderStep =
  ({ renderer, candidate, log }: RenderStepDeps): Step =>
  async ({ input }) => {
    log.begin('asked to render')
    candidate.text = await log.measure('render', () => renderer.render(input))
    return 'done'
  }
