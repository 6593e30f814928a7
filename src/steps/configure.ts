import { KontrolError } from '../errors.ts'
import type { Planned, ReconfigurationLog } from './reconfiguration-log.ts'
import type { CandidateSlot } from './render.ts'
import type { Renderer } from '../render/renderer.ts'
import type { Step } from './step.ts'

export type ConfigureOutcome = 'unchanged' | 'applied' | 'reload'

interface Configurer {
  configure(text: string, signal: AbortSignal): Promise<Planned & { outcome: ConfigureOutcome }>
}

export interface ConfigureStepDeps {
  driver: Configurer
  renderer: Renderer
  candidate: CandidateSlot
  log: ReconfigurationLog
  /** Keeps hosts that another master sent, so that a restart begins with them. */
  keepHosts: (json: string) => Promise<void>
}

/** Candidate → checked, and live at once when only servers changed. With hosts as input it renders first. */
export const configureStep =
  ({ driver, renderer, candidate, log, keepHosts }: ConfigureStepDeps): Step =>
  async ({ input, signal }) => {
    if (input !== '') {
      log.begin('asked to configure')
      candidate.text = await log.measure('render', () => renderer.render(input))
      await keepHosts(input)
    }
    const { outcome, ...planned } = await log.measure('configure', () => {
      if (candidate.text === undefined) throw nothingRendered()
      return driver.configure(candidate.text, signal)
    })
    log.planned(planned)
    if (outcome !== 'reload') log.end(outcome)
    return outcome
  }

function nothingRendered(): KontrolError {
  return new KontrolError('KTL_STEP_FAILED', 'There is no candidate to configure', {
    hint: 'Go to "render" first, or give the hosts as input.'
  })
}
