import { parseHosts } from '../model/json/hosts.ts'
import { addressesOf, podsOf, type Backends } from '../model/snapshot.ts'
import { isSecretName } from '../platform/process/inherited-environment.ts'
import type { HostsSource } from './hosts-source.ts'
import type { Rendered, TemplateVariables } from './template.ts'
import { NOBODY, withoutPods, type Without } from './pods/without-pods.ts'

/** A template that is rendered here, or by a process of its own. */
export interface RenderedTemplate {
  render(variables: TemplateVariables, signal?: AbortSignal): Rendered | Promise<Rendered>
}

export interface RendererDeps {
  /** Text of the template now; throws KTL_TEMPLATE_MISSING when there is none. */
  source: () => string
  compile: (source: string) => RenderedTemplate
  /** Backends as they are known now. */
  known: Pick<HostsSource, 'hosts' | 'pods'>
  /** What stays the same while the process lives. */
  constants: Pick<TemplateVariables, 'namespace' | 'labels' | 'env'>
}

/** Template and hosts to configuration text. Keeps what was made of the template until its text changes. */
export class Renderer {
  readonly #deps: RendererDeps
  #compiled: { source: string; template: RenderedTemplate } | undefined

  constructor(deps: RendererDeps) {
    this.#deps = deps
  }

  /** @param input backends, or hosts as JSON; empty for those that are known now */
  async render(input: string | Backends, without: Without = NOBODY, signal?: AbortSignal): Promise<Rendered> {
    const { source, compile, constants } = this.#deps
    const text = source()
    if (this.#compiled?.source !== text) this.#compiled = { source: text, template: compile(text) }
    const variables = { ...withoutPods(this.#backends(input), without), ...constants }
    return await this.#compiled.template.render(variables, signal)
  }

  #backends(input: string | Backends): Pick<TemplateVariables, 'hosts' | 'pods'> {
    if (typeof input !== 'string') return { hosts: addressesOf(input), pods: podsOf(input) }
    const { known } = this.#deps
    return { hosts: input === '' ? known.hosts() : parseHosts(input), pods: known.pods() }
  }
}

/** What a template may see of the environment: nothing that is secret. */
export function visibleEnvironment(env: NodeJS.ProcessEnv): Record<string, string> {
  const visible = Object.entries(env).filter(
    ([name]) => (name.startsWith('KONTROL_') && !isSecretName(name)) || name === 'NAMESPACE'
  )
  return Object.fromEntries(visible.map(([name, value]) => [name, value ?? '']))
}
