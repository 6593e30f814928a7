import type { ReconfigurationLog } from './reconfiguration-log.ts'
import type { TextSource } from '../render/pods/faulty-pods.ts'
import type { Action } from '../lifecycle/step-runner.ts'

export interface RenderStepDeps {
  texts: Pick<TextSource, 'render'>
  log: ReconfigurationLog
}

/** Template + hosts → text, for the step `configure`. When it fails nothing has been touched. */
export const renderStep = ({ texts, log }: RenderStepDeps): Action =>
  log.tell(async ({ input, signal }) => {
    log.begin('asked to render')
    return { outcome: 'done', made: await log.measure('render', () => texts.render(input, signal)) }
  })
