import { envTable } from '../config.ts'
import { TemplateSource } from '../controller/template-source.ts'
import type { Config } from '../load-config.ts'

/** Whether this process has nothing to do but to report a pod: no registry, no HAProxy, no manifest of its own. */
export function isSlaveAlone({ isMaster, lifecycleFile, configFile, annotations }: Config): boolean {
  const ownManifest = lifecycleFile !== envTable.lifecycleFile.fallback
  return !isMaster && !ownManifest && !new TemplateSource({ file: configFile, annotations }).isConfigured()
}
