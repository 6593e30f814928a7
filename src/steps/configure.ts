import { findKontrolError, KontrolError } from '../errors.ts'
import type { Planned, ReconfigurationLog } from './reconfiguration-log.ts'
import type { HostsSource } from '../render/hosts-source.ts'
import type { TextSource } from '../render/pods/faulty-pods.ts'
import type { Action } from '../lifecycle/step-runner.ts'

export type ConfigureOutcome = 'unchanged' | 'applied' | 'reload'

type Configured = Planned & { outcome: ConfigureOutcome }

interface Configurer {
  configure(text: string, signal: AbortSignal): Promise<Configured>
  /** @throws KontrolError KTL_HAPROXY_CONFIG_REJECTED */
  check(text: string, signal: AbortSignal): Promise<void>
}

export interface ConfigureStepDeps {
  driver: Configurer
  texts: TextSource
  log: ReconfigurationLog
  hosts: Pick<HostsSource, 'keep'>
}

/** The rendered text → live at once when only servers changed, and checked behind; else checked, for `restart`. With hosts as input it renders first. */
export const configureStep = ({ driver, texts, log, hosts }: ConfigureStepDeps): Action =>
  log.tell(async ({ input, handed, signal }) => {
    let text = handed
    if (input !== '') {
      log.begin('asked to configure')
      text = await log.measure('render', () => texts.render(input, signal))
      if (typeof input === 'string') await hosts.keep(input)
    }
    const { outcome, made, ...planned } = await log.measure('configure', () => {
      if (text === undefined) throw nothingRendered()
      return configureAcceptable(text, { driver, texts, signal })
    })
    log.planned(planned)
    if (outcome !== 'reload') log.end(outcome)
    return { outcome, made }
  })

/** Without the pods for which HAProxy refuses the text, if it is for a few of them. */
async function configureAcceptable(
  text: string,
  { driver, texts, signal }: Pick<ConfigureStepDeps, 'driver' | 'texts'> & { signal: AbortSignal }
): Promise<Configured & { made: string }> {
  const acceptable = async (failure?: Error): Promise<string | undefined> =>
    await texts.acceptable(text, async (tried) => await driver.check(tried, signal), failure).catch(() => undefined)
  const configure = async (made: string): Promise<Configured & { made: string }> => {
    const result = await driver.configure(made, signal)
    texts.inUse(made)
    return { ...result, made }
  }
  // Once HAProxy has refused a server at runtime, it is not known what the worker has, and the next change is a reload. So where pods
  // had to be left out of the last text, this one is checked first.
  const expected = texts.isDoubtful ? await acceptable() : text
  try {
    return await configure(expected ?? text)
  } catch (error) {
    const refusal = findKontrolError(error, 'KTL_HAPROXY_CONFIG_REJECTED')
    if (expected !== text || refusal === undefined) throw error
    const other = await acceptable(refusal)
    if (other === undefined) throw error
    return await configure(other)
  }
}

function nothingRendered(): KontrolError {
  return new KontrolError('KTL_STEP_FAILED', 'Nothing has been rendered to configure', {
    hint: 'Go to "render" first, or give the hosts as input.'
  })
}
