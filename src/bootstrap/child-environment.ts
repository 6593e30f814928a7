import type { Config } from '../config.ts'
import { envTable } from '../environment.ts'
import { variableIfItFits } from '../platform/process/script-input.ts'

/**
 * What callbacks, steps and scripts inherit: the environment of this process, and every variable of the table with the
 * value that counts, whoever told it. Kontrol's boot script exported them to every program of the pod.
 *
 * Secrets are left out: who may order this control tier about is none of their business.
 *
 * @param discovered what Kubernetes tells, by variable name
 */
export function childEnvironment(
  env: NodeJS.ProcessEnv,
  discovered: Readonly<Record<string, string>>,
  config: Config
): NodeJS.ProcessEnv {
  const children = { ...env }
  for (const [key, { name, secret }] of Object.entries<{ name: string; secret?: true }>(envTable)) {
    if (secret === true) {
      delete children[name]
      continue
    }
    // How much is logged follows from how a program is called, as in `kontrol -d`, where nothing else is said.
    const fallback = name === 'KONTROL_LOG_LEVEL' ? undefined : textOf(config[key as keyof Config])
    const value = env[name] || discovered[name] || fallback
    children[name] = variableIfItFits(name, value)
  }
  return children
}

/** As the variable would be written; undefined for one that has no value. */
function textOf(value: unknown): string | undefined {
  if (typeof value === 'boolean') return value ? 'on' : 'off'
  if (typeof value === 'string') return value
  if (Array.isArray(value)) return value.length === 0 ? undefined : value.join(',')
  return value === undefined ? undefined : JSON.stringify(value)
}
