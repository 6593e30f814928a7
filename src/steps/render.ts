import type { ReconfigurationLog } from './reconfiguration-log.ts'
import type { Renderer } from '../render/renderer.ts'
import type { Action } from '../lifecycle/step-runner.ts'

export interface RenderStepDeps {
  renderer: Renderer
  log: ReconfigurationLog
}

/** Template + hosts → text, for the step `configure`. When it fails nothing has been touched. */
export const renderStep = ({ renderer, log }: RenderStepDeps): Action =>
  log.tell(async ({ input }) => {
    log.begin('asked to render')
    return { outcome: 'done', made: await log.measure('render', () => renderer.render(input)) }
  })
