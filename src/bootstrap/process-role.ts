import { envTable } from '../environment.ts'
import { TemplateSource } from '../render/template-source.ts'
import type { Config } from '../config.ts'

/** Whether this process has nothing to do but to report a pod: no registry, no HAProxy, no manifest of its own. */
export const isSlaveAlone = (config: Config): boolean => !config.isMaster && !needsAutomaton(config)

/**
 * Whether there is something to drive: an HAProxy with a template, or another
 * image's manifest. A master without either is a proxy whose template is missing,
 * and says so, unless its work is a callback.
 */
export function needsAutomaton({ isMaster, callback, lifecycleFile, configFile, annotations }: Config): boolean {
  const ownManifest = lifecycleFile !== envTable.lifecycleFile.fallback
  const template = new TemplateSource({ file: configFile, annotations }).isConfigured()
  return ownManifest || template || (isMaster && callback === undefined)
}
