import { KontrolError } from '../errors.ts'
import type { Planned, ReconfigurationLog } from './reconfiguration-log.ts'
import type { HostsSource } from '../render/hosts-source.ts'
import type { TextSource } from '../render/loop-guard.ts'
import type { Action } from '../lifecycle/step-runner.ts'

export type ConfigureOutcome = 'unchanged' | 'applied' | 'reload'

interface Configurer {
  configure(text: string, signal: AbortSignal): Promise<Planned & { outcome: ConfigureOutcome }>
}

export interface ConfigureStepDeps {
  driver: Configurer
  renderer: TextSource
  log: ReconfigurationLog
  hosts: Pick<HostsSource, 'keep'>
}

/** The rendered text → checked, and live at once when only servers changed. With hosts as input it renders first. */
export const configureStep = ({ driver, renderer, log, hosts }: ConfigureStepDeps): Action =>
  log.tell(async ({ input, handed, signal }) => {
    let text = handed
    if (input !== '') {
      log.begin('asked to configure')
      text = await log.measure('render', () => renderer.render(input))
      if (typeof input === 'string') await hosts.keep(input)
    }
    const { outcome, ...planned } = await log.measure('configure', () => {
      if (text === undefined) throw nothingRendered()
      return driver.configure(text, signal)
    })
    log.planned(planned)
    if (outcome !== 'reload') log.end(outcome)
    return { outcome, made: text }
  })

function nothingRendered(): KontrolError {
  return new KontrolError('KTL_STEP_FAILED', 'There is no candidate to configure', {
    hint: 'Go to "render" first, or give the hosts as input.'
  })
}
